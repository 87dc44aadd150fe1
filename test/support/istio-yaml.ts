// SPDX-License-Identifier: Apache-2.0
/** Small parts of a mesh -> Istio YAML text: a gateway on one port, services with fixed endpoints, and what routes to them. */
import { stringify } from 'yaml';
import type { DestinationRuleSpec, HttpRouteSpec } from '../../src/resources/types.js';

/** The port that the configuration speaks of; --listen-map puts it on a free one. */
export const GATEWAY_PORT = 80;
/** Port of every ServiceEntry made here. */
export const SERVICE_PORT = 8000;

function resource(kind: string, name: string, spec: object): string {
  return stringify(
    { apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec },
    { aliasDuplicateObjects: false },
  );
}

export function gateway(name = 'edge'): string {
  const port = { number: GATEWAY_PORT, name: 'http', protocol: 'HTTP' };
  return resource('Gateway', name, { selector: { istio: 'ingressgateway' }, servers: [{ port, hosts: ['*'] }] });
}

/** A VirtualService of the gateway `edge` for one host. */
export function virtualService(host: string, http: readonly HttpRouteSpec[]): string {
  return resource('VirtualService', host.replaceAll('.', '-'), { hosts: [host], gateways: ['edge'], http });
}

export interface EndpointPlace {
  readonly port: number;
  readonly address?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A mesh-external HTTP service with fixed endpoints; none is allowed. */
export function service(host: string, endpoints: readonly EndpointPlace[]): string {
  return resource('ServiceEntry', host.replaceAll('.', '-'), {
    hosts: [host],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ number: SERVICE_PORT, name: 'http', protocol: 'HTTP' }],
    endpoints: endpoints.map(({ port, address = '127.0.0.1', labels = {} }) => ({
      address,
      ports: { http: port },
      labels,
    })),
  });
}

export function destinationRule(host: string, rest: Omit<DestinationRuleSpec, 'host'>): string {
  return resource('DestinationRule', host.replaceAll('.', '-'), { host, ...rest });
}

/** The `route` of an HTTPRoute with one destination. */
export function to(host: string, subset?: string): NonNullable<HttpRouteSpec['route']>[number] {
  return { destination: { host, port: { number: SERVICE_PORT }, ...(subset === undefined ? {} : { subset }) } };
}

/** A host that is a service and forwards everything to it: `<name>.example`. */
export function forwarded(
  name: string,
  endpoints: readonly EndpointPlace[],
  rule?: Omit<DestinationRuleSpec, 'host'>,
  route: Omit<HttpRouteSpec, 'route'> = {},
): string[] {
  const host = `${name}.example`;
  return [
    service(host, endpoints),
    virtualService(host, [{ ...route, route: [to(host)] }]),
    ...(rule ? [destinationRule(host, rule)] : []),
  ];
}
