// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { checkReferences } from './check-references.js';
import { loadTexts } from './load-resources.js';

function resource(kind: string, name: string, spec: string, namespace: string = 'shop'): string {
  const apiVersion = kind === 'Service' ? 'v1' : 'networking.istio.io/v1';
  return `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
}

function check(...texts: string[]): string[] {
  const { resources, problems } = loadTexts([{ file: 'f', text: texts.join('') }]);
  expect(problems.filter((problem) => problem.severity === 'error')).toEqual([]);
  return checkReferences(resources).map(({ code, path, message, hint, resource: id }) =>
    [code, id?.name, path, message, hint].join(' | '),
  );
}

const REVIEWS = resource('Service', 'reviews', '{ports: [{port: 9080}]}');

function route(destination: string, rest: string = ''): string {
  return resource(
    'VirtualService',
    'vs',
    `{hosts: [reviews], ${rest} http: [{route: [{destination: ${destination}}]}]}`,
  );
}

describe('checkReferences', () => {
  it('is silent when everything is there', () => {
    const rule = resource('DestinationRule', 'dr', '{host: reviews, subsets: [{name: v1}]}');
    expect(check(REVIEWS, rule, route('{host: reviews, subset: v1, port: {number: 9080}}'))).toEqual([]);
  });

  it('finds services by full name, by ServiceEntry and by its wildcard', () => {
    const entry = resource('ServiceEntry', 'se', '{hosts: ["*.ext.example", api.example], resolution: STATIC}');
    expect(
      check(
        REVIEWS,
        entry,
        resource(
          'VirtualService',
          'vs',
          '{hosts: [reviews], http: [{route: [{destination: {host: reviews.shop.svc.cluster.local}, weight: 1}, {destination: {host: a.ext.example}, weight: 1}, {destination: {host: API.example}, weight: 1}]}]}',
        ),
      ),
    ).toEqual([]);
  });

  it('reports a destination that no service defines, with the nearest one', () => {
    expect(check(REVIEWS, route('{host: reviewz}'))).toEqual([
      'host-not-found | vs | spec.http[0].route[0].destination.host | no Service or ServiceEntry defines the host (reviewz.shop.svc.cluster.local) | Did you mean "reviews.shop.svc.cluster.local"?',
    ]);
  });

  it('does not expand a host with a dot, and says what was meant', () => {
    expect(check(REVIEWS, route('{host: reviews.shop}'))).toEqual([
      'host-not-found | vs | spec.http[0].route[0].destination.host | no Service or ServiceEntry defines the host (reviews.shop) | Did you mean "reviews.shop.svc.cluster.local"?',
    ]);
  });

  it('reports a short host whose service is in another namespace', () => {
    const virtualService = resource(
      'VirtualService',
      'vs',
      '{hosts: [reviews], http: [{redirect: {uri: /}}]}',
      'istio-system',
    );
    expect(check(REVIEWS, virtualService)).toEqual([
      'service-in-other-namespace | vs | spec.hosts[0] | short name means reviews.istio-system.svc.cluster.local, which no service has (reviews) | Write reviews.shop.svc.cluster.local.',
    ]);
  });

  it('reports an unknown port and an unknown subset', () => {
    const rule = resource('DestinationRule', 'dr', '{host: reviews, subsets: [{name: v1}]}');
    expect(check(REVIEWS, rule, route('{host: reviews, subset: w1, port: {number: 80}}'))).toEqual([
      'port-not-found | vs | spec.http[0].route[0].destination.port.number | reviews.shop.svc.cluster.local has no such port (80) | Ports of the service: 9080.',
      'subset-not-found | vs | spec.http[0].route[0].destination.subset | no DestinationRule for reviews.shop.svc.cluster.local defines the subset (w1) | Did you mean "v1"?',
    ]);
  });

  it('reports a Gateway that is not there, in the list and in a match', () => {
    const gateway = resource(
      'Gateway',
      'edge',
      '{servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}',
    );
    const virtualService = resource(
      'VirtualService',
      'vs',
      '{hosts: [a.example], gateways: [edge, other/edge], http: [{match: [{gateways: [edga]}], redirect: {uri: /}}]}',
    );
    expect(check(gateway, virtualService)).toEqual([
      'gateway-not-found | vs | spec.gateways[1] | no such Gateway (other/edge) | Write namespace/name of a Gateway, or mesh.',
      'gateway-not-found | vs | spec.http[0].match[0].gateways[0] | no such Gateway (shop/edga) | Did you mean "shop/edge"?',
    ]);
  });

  it('reports a host that no server of the Gateway accepts', () => {
    const gateway = resource(
      'Gateway',
      'edge',
      '{servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["./*.example", "other/*"]}]}',
    );
    const hosts = '{hosts: [a.example, b.test], gateways: [edge], http: [{redirect: {uri: /}}]}';
    expect(check(gateway, resource('VirtualService', 'vs', hosts))).toEqual([
      'gateway-host-not-covered | vs | spec.hosts[1] | no server of shop/edge has this host (b.test) | Add it to servers[].hosts of the Gateway.',
    ]);
  });

  it('reports a DestinationRule for an unknown host and for an unknown port', () => {
    const unknown = resource('DestinationRule', 'dr1', '{host: ratings}');
    const port = '{port: {number: 80}, loadBalancer: {simple: RANDOM}}';
    const wrongPort = resource(
      'DestinationRule',
      'dr2',
      `{host: reviews, trafficPolicy: {portLevelSettings: [${port}]}}`,
    );
    const codes = check(REVIEWS, unknown, wrongPort).map((line) => line.split(' | ').slice(0, 3));
    expect(codes).toEqual([
      ['host-not-found', 'dr1', 'spec.host'],
      ['port-not-found', 'dr2', 'spec.trafficPolicy.portLevelSettings[0].port.number'],
    ]);
  });

  it('accepts a wildcard DestinationRule that covers some service', () => {
    expect(check(REVIEWS, resource('DestinationRule', 'dr', '{host: "*.local"}'))).toEqual([]);
  });

  it('reports what merging DestinationRules drops', () => {
    const policy = 'trafficPolicy: {loadBalancer: {simple: RANDOM}}';
    const first = resource('DestinationRule', 'dr1', `{host: reviews, ${policy}, subsets: [{name: v1}]}`);
    const second = resource('DestinationRule', 'dr2', `{host: reviews, ${policy}, subsets: [{name: v1}, {name: v2}]}`);
    expect(check(REVIEWS, first, second).map((line) => line.split(' | ').slice(0, 3))).toEqual([
      ['policy-not-merged', 'dr2', 'spec.trafficPolicy'],
      ['policy-not-merged', 'dr2', 'spec.subsets[0]'],
    ]);
  });

  it('reports a delegate that is not there', () => {
    const root = resource('VirtualService', 'vs', '{hosts: [reviews], http: [{delegate: {name: gone}}]}');
    expect(check(REVIEWS, root).map((line) => line.split(' | ').slice(0, 3))).toEqual([
      ['delegate-not-found', 'vs', 'spec.http[0].delegate.name'],
    ]);
  });
});

describe('Gateways on one port', () => {
  function gateway(name: string, protocol: string, hosts: string, selector: string = '{app: gw}'): string {
    const tls = protocol === 'HTTPS' ? ', tls: {mode: SIMPLE, credentialName: a}' : '';
    const server = `{port: {number: 443, name: p, protocol: ${protocol}}, hosts: ${hosts}${tls}}`;
    return resource('Gateway', name, `{selector: ${selector}, servers: [${server}]}`);
  }

  it.each([
    ['plaintext HTTP twice', 'HTTP', 'HTTP2', 0],
    ['HTTP and TLS', 'HTTP', 'HTTPS', 1],
    ['TLS and HTTP', 'HTTPS', 'HTTP', 1],
    ['TCP twice', 'TCP', 'TCP', 1],
    ['TLS with one host twice', 'HTTPS', 'HTTPS', 1],
  ])('%s: %s then %s gives %d conflicts', (_name, first, second, conflicts) => {
    const found = check(gateway('g1', first, '[a.example]'), gateway('g2', second, '[a.example]'));
    expect(found).toHaveLength(conflicts);
    for (const line of found) expect(line).toMatch(/^gateway-port-conflict \| g2 \| spec\.servers\[0\]/);
  });

  it('are no conflict for TLS hosts of their own, nor on different proxies', () => {
    expect(check(gateway('g1', 'HTTPS', '[a.example]'), gateway('g2', 'HTTPS', '[b.example]'))).toEqual([]);
    expect(check(gateway('g1', 'TCP', '["*"]'), gateway('g2', 'HTTP', '["*"]', '{app: other}'))).toEqual([]);
  });
});
