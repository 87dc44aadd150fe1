// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { ProxyNode } from '../lower/proxy-node.js';
import { LoadCache, loadTexts } from '../resources/load-resources.js';
import type { KnownResource } from '../resources/types.js';
import { encodeModel, lowerResources } from './pipeline.js';
import type { EncodedModel, LoweredConfiguration } from './pipeline.js';

const GATEWAY: ProxyNode = {
  role: 'gateway',
  namespace: 'shop',
  labels: { istio: 'ingressgateway' },
  bind: '0.0.0.0',
  listenMap: new Map(),
};
const SIDECAR: ProxyNode = { ...GATEWAY, role: 'sidecar', labels: { app: 'client' } };
const NODES: readonly [string, ProxyNode][] = [
  ['gateway', GATEWAY],
  ['sidecar', SIDECAR],
];

const ROUTES = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]
---
apiVersion: v1
kind: Service
metadata: { name: edge, namespace: shop }
spec: { selector: { istio: ingressgateway }, ports: [{ name: http, port: 80, targetPort: web }] }
---
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { selector: { app: cart }, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: cart, namespace: shop }
spec:
  hosts: [cart, stock.example]
  gateways: [edge, mesh]
  http:
  - match: [{ uri: { prefix: /v1 } }]
    route: [{ destination: { host: cart, subset: v1 } }]
  - match: [{ uri: { regex: /s.*k } }]
    route: [{ destination: { host: stock.example } }]
  - route: [{ destination: { host: cart }, weight: 60 }, { destination: { host: nowhere }, weight: 40 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: cart, namespace: shop }
spec: { host: cart, subsets: [{ name: v1, labels: { version: v1 } }] }
`;

const slice = (service: string, addresses: string, port = 8080, name = service): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${service} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [${addresses}] }]
`;

const entry = (endpoints: string, ports = '[{ number: 80, name: http, protocol: HTTP }]'): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: stock, namespace: shop }
spec: { hosts: [stock.example], resolution: STATIC, ports: ${ports}, endpoints: ${endpoints} }
`;

/** A file each; the edits of a step replace files by name, and '' deletes one. */
const START: Readonly<Record<string, string>> = {
  'a-routes.yaml': ROUTES,
  'b-edge.yaml': slice('edge', '10.0.0.1'),
  'x-cart.yaml': slice('cart', '10.0.1.1'),
  'd-stock.yaml': entry('[{ address: 10.0.2.1 }]'),
};

const ENDPOINT_EDITS: readonly [string, Record<string, string>][] = [
  ['another address in a slice', { 'x-cart.yaml': slice('cart', '10.0.1.200') }],
  ['another address in a ServiceEntry', { 'd-stock.yaml': entry('[{ address: 10.0.2.9, weight: 3 }]') }],
  ['one more slice', { 'z-cart.yaml': slice('cart', '10.0.1.3', 8080, 'cart-2') }],
  ['a slice less', { 'x-cart.yaml': '' }],
];

const OTHER_EDITS: readonly [string, Record<string, string>][] = [
  ['a route', { 'a-routes.yaml': ROUTES.replace('prefix: /v1', 'prefix: /v2') }],
  ['a subset', { 'a-routes.yaml': ROUTES.replace('version: v1', 'version: v2') }],
  ['a line more above the routes', { 'a-routes.yaml': `# moved${ROUTES}` }],
  ['the port behind a named target port', { 'b-edge.yaml': slice('edge', '10.0.0.1', 9090) }],
  ['a port of a ServiceEntry', { 'd-stock.yaml': entry('[]', '[{ number: 81, name: http, protocol: HTTP }]') }],
  ['a service less', { 'd-stock.yaml': '' }],
  ['a Unix socket', { 'd-stock.yaml': entry("[{ address: 'unix:///run/stock' }]") }],
];

/** One proxy's configuration over time, computed the short way and the long way. */
class Configuration {
  readonly #node: ProxyNode;
  readonly #cache = new LoadCache();
  #files: Record<string, string> = { ...START };
  lowered: LoweredConfiguration | undefined;
  encoded: EncodedModel | undefined;

  constructor(node: ProxyNode) {
    this.#node = node;
    this.edit({});
  }

  edit(files: Record<string, string>): void {
    this.#files = { ...this.#files, ...files };
    const resources = this.#load();
    this.lowered = lowerResources(resources, this.#node, () => undefined, this.lowered);
    this.encoded = encodeModel(this.lowered.model, this.encoded);
    const whole = lowerResources(resources, this.#node, () => undefined);
    expect(this.lowered.model).toEqual(whole.model);
    expect(this.lowered.problems).toEqual(whole.problems);
    const { encoded, problems } = encodeModel(whole.model);
    expect(Buffer.compare(this.encoded.encoded.tables, encoded.tables)).toBe(0);
    expect(this.encoded.encoded.host).toEqual(encoded.host);
    expect(this.encoded.problems).toEqual(problems);
  }

  #load(): readonly KnownResource[] {
    const names = Object.keys(this.#files).sort();
    const sources = names.map((file) => ({ file, text: this.#files[file] ?? '' }));
    const { resources, problems } = loadTexts(sources, this.#cache);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    return resources;
  }
}

describe.each(NODES)('a change of the configuration of a %s', (_role, node) => {
  it.each(ENDPOINT_EDITS)(
    '%s: listeners and routes are taken over, and the outcome is that of a new start',
    (_name, edit) => {
      const configuration = new Configuration(node);
      const before = configuration.encoded;
      configuration.edit(edit);
      expect(configuration.encoded?.model.listeners).toBe(before?.model.listeners);
      expect(configuration.encoded?.encoded.host.routes).toBe(before?.encoded.host.routes);
      expect(configuration.encoded?.encoded.tables).not.toEqual(before?.encoded.tables);
    },
  );

  it.each(OTHER_EDITS)('%s: everything is lowered again, and the outcome is that of a new start', (_name, edit) => {
    const configuration = new Configuration(node);
    const before = configuration.lowered;
    configuration.edit(edit);
    expect(configuration.lowered?.model.listeners).not.toBe(before?.model.listeners);
  });

  it('all edits one after the other, there and back, come to what a new start comes to', () => {
    const configuration = new Configuration(node);
    for (const [, edit] of [...ENDPOINT_EDITS, ...OTHER_EDITS, ...ENDPOINT_EDITS]) {
      configuration.edit(edit);
      configuration.edit({ ...START, 'z-cart.yaml': '' });
    }
  });
});
