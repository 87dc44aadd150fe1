// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { loadTexts } from './load-resources.js';

const VALID = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - match:
        - uri: {prefix: /v2}
          headers: {x-user: {exact: jason}, x-any: {}}
      route:
        - destination: {host: reviews, subset: v2, port: {number: 9080}}
          weight: 10
        - destination: {host: reviews, subset: v1}
          weight: 90
      timeout: 10s
      fault: {delay: {fixedDelay: 5s, percentage: {value: 10}}}
    - redirect: {uri: /new}
`;

describe('loadResources', () => {
  it('returns a valid VirtualService as its JSON with defaults filled in', () => {
    const { resources, problems } = loadTexts([{ file: 'vs.yaml', text: VALID }]);
    expect(problems).toEqual([]);
    expect(resources).toHaveLength(1);
    const [resource] = resources;
    expect(resource).toMatchObject({ kind: 'VirtualService', namespace: 'default', name: 'reviews', order: 0 });
    expect(resource?.spec).toMatchObject({
      http: [{ timeout: '10s' }, { redirect: { uri: '/new', redirectCode: 301 } }],
    });
    expect(resource?.positionOf('spec.http[0].route[1].weight')).toEqual({ file: 'vs.yaml', line: 15, column: 19 });
    expect(resource?.positionOf('spec.http[0].nothing.there')).toEqual({ file: 'vs.yaml', line: 8, column: 7 });
  });
});

function load(...documents: string[]): ReturnType<typeof loadTexts> {
  return loadTexts([{ file: 'f.yaml', text: documents.join('---\n') }]);
}

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n';

describe('kinds', () => {
  it.each(['v1', 'v1beta1', 'v1alpha3'])('reads networking.istio.io/%s alike', (version) => {
    const { resources, problems } = load(VALID.replace('/v1\n', `/${version}\n`));
    expect(problems).toEqual([]);
    expect(resources.map((resource) => resource.apiVersion)).toEqual([`networking.istio.io/${version}`]);
  });

  it('refuses a version that a kind does not have', () => {
    const { resources, problems } = load(VALID.replace('/v1\n', '/v2\n'));
    expect(resources).toEqual([]);
    expect(problems).toMatchObject([{ code: 'unsupported-version', path: 'apiVersion', position: { line: 1 } }]);
  });

  it.each([
    ['networking.istio.io/v1', 'ProxyConfig', 'kind-not-executed', 'warning'],
    ['networking.istio.io/v1alpha3', 'EnvoyFilter', 'kind-not-executed', 'warning'],
    ['security.istio.io/v1', 'AuthorizationPolicy', 'kind-not-executed', 'warning'],
    ['apps/v1', 'Deployment', 'kind-ignored', 'info'],
    ['gateway.networking.k8s.io/v1', 'Gateway', 'kind-ignored', 'info'],
  ])('leaves out %s %s with %s', (apiVersion, kind, code, severity) => {
    const { resources, problems } = load(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n`);
    expect(resources).toEqual([]);
    expect(problems).toMatchObject([{ code, severity }]);
  });

  it('takes the top-level fields of an EndpointSlice as its spec, with their positions', () => {
    const slice =
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv4\nendpoints:\n- addresses: [10.0.0.1]\n  conditions: {ready: null}\n';
    const [resource] = load(slice).resources;
    expect(resource?.spec).toEqual({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], conditions: {} }],
    });
    expect(resource?.positionOf('spec.endpoints[0].addresses')).toMatchObject({ line: 6, column: 14 });
  });

  it('takes the status of a Pod into its spec', () => {
    const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {nodeName: n}\nstatus: {podIP: 10.0.0.1}\n';
    const [resource] = load(pod).resources;
    expect(resource?.spec).toEqual({ nodeName: 'n', status: { podIP: '10.0.0.1' } });
    expect(resource?.positionOf('spec.status.podIP')).toMatchObject({ line: 5, column: 17 });
  });

  it('gives a Namespace no namespace', () => {
    const [resource] = load('apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {x: "1"}}\n').resources;
    expect(resource).toMatchObject({ namespace: '', name: 'a', labels: { x: '1' } });
  });
});

describe('identity', () => {
  it('leaves out the later of two resources of one name', () => {
    const { resources, problems } = load(SERVICE, SERVICE.replace('80', '81'));
    expect(resources.map((resource) => resource.spec)).toEqual([{ ports: [{ port: 80 }] }]);
    expect(problems).toMatchObject([{ code: 'duplicate-resource', position: { line: 8 } }]);
  });

  it('keeps resources of one name in two namespaces', () => {
    const other = SERVICE.replace('{name: a}', '{name: a, namespace: b}');
    expect(load(SERVICE, other).resources.map((resource) => resource.namespace)).toEqual(['default', 'b']);
  });

  it('lets a valid resource have the name of a faulty one', () => {
    const { resources } = load(SERVICE.replace('80', '"x"'), SERVICE);
    expect(resources).toHaveLength(1);
  });

  it('reads the time of creation', () => {
    const dated = SERVICE.replace('{name: a}', '{name: a, creationTimestamp: 2024-01-01T00:00:00Z}');
    expect(load(dated).resources[0]?.creationTimestampMs).toBe(Date.UTC(2024, 0, 1));
  });
});

describe('spellings', () => {
  it('are brought to one form: protocols in upper case, the regex * as presence', () => {
    const gateway =
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {servers: [{port: {number: 80, name: h, protocol: http2}, hosts: ["*"]}]}\n';
    const presence = VALID.replace('x-any: {}', 'x-any: {regex: "*"}');
    const { resources } = load(gateway, presence);
    expect(resources[0]?.spec).toMatchObject({ servers: [{ port: { protocol: 'HTTP2' } }] });
    expect(resources[1]?.spec).toMatchObject({ http: [{ match: [{ headers: { 'x-any': {} } }] }, {}] });
  });
});
