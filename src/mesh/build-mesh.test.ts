// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { loadValid } from '../../test/support/load-valid.js';
import { buildMesh } from './build-mesh.js';
import { findService } from './mesh.js';
import type { MeshEndpoint } from './mesh.js';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: named }]
`;

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: web-0, namespace: shop, labels: { app: web } }
spec: { containers: [{ ports: [{ name: named, containerPort: 8080 }] }] }
status: { podIP: 10.0.0.1, phase: Running, conditions: [{ type: Ready, status: 'True' }] }
`;

function endpoints(...documents: string[]): readonly MeshEndpoint[] {
  const mesh = buildMesh(loadValid(documents.join('---')));
  return findService(mesh, 'web.shop.svc.cluster.local', 'shop')?.ports[0]?.endpoints ?? [];
}

const addresses = (found: readonly MeshEndpoint[]): string[] =>
  found.map(({ address, port, healthy }) => `${address}:${port}${healthy ? '' : ' unhealthy'}`);

const SLICE = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 9090 }]
endpoints: [{ addresses: [10.0.0.2], conditions: { ready: false } }]
`;

const ENDPOINTS = `
apiVersion: v1
kind: Endpoints
metadata: { name: web, namespace: shop }
subsets: [{ addresses: [{ ip: 10.0.0.3 }], ports: [{ name: http, port: 7070 }] }]
`;

describe('endpoints of a Kubernetes Service', () => {
  it('are the pods it selects, with the container port that targetPort names', () => {
    const elsewhere = POD.replace('namespace: shop', 'namespace: other').replace('10.0.0.1', '10.0.0.9');
    expect(addresses(endpoints(SERVICE, POD, elsewhere))).toEqual(['10.0.0.1:8080']);
  });

  it('leave out pods that ended and pods without the named port', () => {
    expect(endpoints(SERVICE, POD.replace('Running', 'Succeeded'))).toEqual([]);
    expect(endpoints(SERVICE, POD.replace('name: named', 'name: other'))).toEqual([]);
  });

  it('are unhealthy while a pod is not ready, unless the Service publishes it', () => {
    const unready = POD.replace("status: 'True'", "status: 'False'");
    expect(addresses(endpoints(SERVICE, unready))).toEqual(['10.0.0.1:8080 unhealthy']);
    const published = SERVICE.replace('selector:', 'publishNotReadyAddresses: true\n  selector:');
    expect(addresses(endpoints(published, unready))).toEqual(['10.0.0.1:8080']);
  });

  it('come from slices before Endpoints, and from Endpoints before pods', () => {
    expect(addresses(endpoints(SERVICE, POD, ENDPOINTS, SLICE))).toEqual(['10.0.0.2:9090 unhealthy']);
    expect(addresses(endpoints(SERVICE, POD, ENDPOINTS))).toEqual(['10.0.0.3:7070']);
  });

  it('get the labels and identity of the pod behind an address', () => {
    const [endpoint] = endpoints(SERVICE, POD, SLICE.replace('10.0.0.2', '10.0.0.1'));
    expect(endpoint?.labels).toEqual({ app: 'web' });
    expect(endpoint?.workload).toEqual({ name: 'web-0', namespace: 'shop', serviceAccount: 'default' });
  });

  it('get no labels from a pod on the host network, whose address is its node', () => {
    const onHost = POD.replace('spec: {', 'spec: { hostNetwork: true,');
    const [endpoint] = endpoints(SERVICE, onHost, SLICE.replace('10.0.0.2', '10.0.0.1'));
    expect(endpoint?.labels).toEqual({});
  });

  it('include WorkloadEntries that the Service selects', () => {
    const entry = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: vm, namespace: shop }
spec: { address: 192.0.2.1, labels: { app: web }, ports: { http: 81 }, weight: 2 }
`;
    expect(addresses(endpoints(SERVICE, POD, entry))).toEqual(['10.0.0.1:8080', '192.0.2.1:81']);
  });
});

const ENTRY = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api, namespace: one }
spec:
  hosts: [web.shop.svc.cluster.local, api.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
`;

describe('findService', () => {
  it('takes a Kubernetes Service before a ServiceEntry of the same host', () => {
    const mesh = buildMesh(loadValid(`${ENTRY}---${SERVICE}`));
    expect(findService(mesh, 'web.shop.svc.cluster.local', 'one')?.source.kind).toBe('Service');
  });

  it('takes a private ServiceEntry before an older public one', () => {
    const own = ENTRY.replace('namespace: one', 'namespace: two').replace('spec:', "spec:\n  exportTo: ['.']");
    const mesh = buildMesh(loadValid(`${ENTRY}---${own}`));
    expect(findService(mesh, 'api.example', 'two')?.namespace).toBe('two');
    expect(findService(mesh, 'api.example', 'three')?.namespace).toBe('one');
  });

  it('finds nothing that is exported to nobody', () => {
    const mesh = buildMesh(loadValid(ENTRY.replace('spec:', "spec:\n  exportTo: ['~']")));
    expect(findService(mesh, 'api.example', 'one')).toBeUndefined();
  });
});

describe('buildMesh', () => {
  it('keeps ExternalName Services apart, as aliases', () => {
    const mesh = buildMesh(
      loadValid(`
apiVersion: v1
kind: Service
metadata: { name: alias, namespace: shop }
spec: { type: ExternalName, externalName: API.Example. }
`),
    );
    expect(mesh.services.size).toBe(0);
    expect(mesh.aliases.get('alias.shop.svc.cluster.local')?.target).toBe('api.example');
  });
});
