// SPDX-License-Identifier: Apache-2.0
/**
 * Numbers -> Istio YAML of a mesh behind one gateway: N VirtualServices with 10 prefix routes each on a host of their own, all
 * to one service. The service stands apart from the rules, as its endpoints change without them.
 */

export const ROUTES_PER_SERVICE = 10;
/** The gateway's port in the configuration; where it really listens is for `--listen-map`. */
export const GATEWAY_PORT = 80;

/** The gateway and one service with one endpoint. */
export function serviceYaml(address: string, port: number): string {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: ${GATEWAY_PORT}, name: http, protocol: HTTP}
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: app, namespace: default}
spec:
  hosts: [app.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: ${address}, ports: {http: ${port}}}]
`;
}

/** VirtualServices for `services * ROUTES_PER_SERVICE` routes; every path begins with `prefix`. */
export function rulesYaml(services: number, prefix: string): string {
  return Array.from({ length: services }, (_, index) => virtualService(index, prefix)).join('---\n');
}

/** Host and path that only the last route of a VirtualService takes. */
export function lastRouteOf(service: number, prefix: string): { host: string; path: string } {
  return { host: hostOf(service), path: `${pathOf(service, ROUTES_PER_SERVICE - 1, prefix)}/orders` };
}

function hostOf(service: number): string {
  return `host-${service}.example`;
}

function pathOf(service: number, route: number, prefix: string): string {
  return `${prefix}/${service}/${route}`;
}

function virtualService(index: number, prefix: string): string {
  const routes = Array.from(
    { length: ROUTES_PER_SERVICE },
    (_, route) => `  - name: route-${route}
    match:
    - uri: {prefix: ${pathOf(index, route, prefix)}}
    route:
    - destination: {host: app.example, port: {number: 80}}
`,
  );
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs-${index}, namespace: default}
spec:
  hosts: [${hostOf(index)}]
  gateways: [edge]
  http:
${routes.join('')}`;
}
