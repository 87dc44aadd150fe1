// SPDX-License-Identifier: Apache-2.0
/** What holds for every mesh; single rules of Istio are golden cases (lower.golden.test.ts). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadValid } from '../../test/support/load-valid.js';
import { buildMesh } from '../mesh/build-mesh.js';
import type { RoutingModel } from '../model/model.js';
import type { KnownResource } from '../resources/types.js';
import { lower } from './lower.js';
import type { Lowered } from './lower.js';
import type { ProxyNode } from './proxy-node.js';

const node = (role: ProxyNode['role']): ProxyNode => ({
  role,
  namespace: 'default',
  labels: {},
  listenMap: new Map(),
  bind: '127.0.0.1',
});

function lowerAs(role: ProxyNode['role'], resources: readonly KnownResource[]): Lowered {
  const ordered = resources.map((resource, order) => ({ ...resource, order }));
  return lower(buildMesh(ordered), node(role));
}

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: web }
spec:
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }]
`;

/** One service with its pod, rule and routes; `index` makes it unrelated to the others. */
function unit(index: number, hasRule: boolean, paths: readonly string[]): string {
  const rules = paths.map(
    (path) => `    - match: [{ uri: { prefix: '${path}' } }]
      route: [{ destination: { host: s${index}${hasRule ? ', subset: all' : ''} } }]`,
  );
  const documents = [
    `
apiVersion: v1
kind: Service
metadata: { name: s${index} }
spec: { selector: { app: s${index} }, ports: [{ name: http, port: 80 }] }`,
    `
apiVersion: v1
kind: Pod
metadata: { name: s${index}-1, labels: { app: s${index} } }
status: { podIP: 10.0.0.${index + 1} }`,
    `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v${index} }
spec:
  hosts: [s${index}]
  gateways: [web, mesh]
  http:
${rules.join('\n')}`,
  ];
  if (hasRule) {
    documents.push(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: d${index} }
spec: { host: s${index}, subsets: [{ name: all }] }`);
  }
  return documents.join('\n---');
}

const paths = fc.array(fc.constantFrom('/', '/a', '/b', '/a/b'), { minLength: 1, maxLength: 4 });
const units = fc
  .array(fc.tuple(fc.boolean(), paths), { minLength: 1, maxLength: 5 })
  .map((drawn) => [GATEWAY, ...drawn.map(([hasRule, list], index) => unit(index, hasRule, list))].join('\n---'))
  .map((text) => loadValid(text));
const role = fc.constantFrom('gateway' as const, 'sidecar' as const);

describe('lower', () => {
  it('does not depend on the order of unrelated resources', () => {
    const shuffled = units.chain((resources) =>
      fc.tuple(
        fc.constant(resources),
        fc.shuffledSubarray([...resources], { minLength: resources.length, maxLength: resources.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, role, ([resources, mixed], as) => {
        expect(lowerAs(as, mixed).model).toEqual(lowerAs(as, resources).model);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the virtual hosts of other hosts alone when one VirtualService goes', () => {
    fc.assert(
      fc.property(units, role, fc.nat(), (resources, as, pick) => {
        const services = resources.filter((resource) => resource.kind === 'VirtualService');
        const gone = services[pick % services.length];
        const host = `s${gone?.name.slice(1)}.default.svc.cluster.local`;
        const rest = resources.filter((resource) => resource !== gone);
        const others = ({ listeners }: RoutingModel): unknown =>
          listeners
            .flatMap(({ filterChains }) => filterChains)
            .flatMap(({ filter }) => (filter.kind === 'http' ? filter.virtualHosts : []))
            .filter(({ domains }) => !domains.includes(host) && !domains.includes('*'));
        expect(others(lowerAs(as, rest).model)).toEqual(others(lowerAs(as, resources).model));
      }),
      { numRuns: 40 },
    );
  });

  it('names each domain once per filter chain and each cluster once', () => {
    fc.assert(
      fc.property(units, role, (resources, as) => {
        const { listeners, clusters } = lowerAs(as, resources).model;
        for (const { filter } of listeners.flatMap(({ filterChains }) => filterChains)) {
          const domains = (filter.kind === 'http' ? filter.virtualHosts : []).flatMap(
            (virtualHost) => virtualHost.domains,
          );
          expect(new Set(domains).size).toBe(domains.length);
        }
        const names = clusters.map((cluster) => cluster.name);
        expect(names).toEqual([...new Set(names)].sort());
      }),
      { numRuns: 40 },
    );
  });

  it('ends each list of routes at the first prefix /', () => {
    fc.assert(
      fc.property(units, (resources) => {
        const { listeners } = lowerAs('gateway', resources).model;
        for (const { filter } of listeners.flatMap(({ filterChains }) => filterChains)) {
          for (const { routes } of filter.kind === 'http' ? filter.virtualHosts : []) {
            const isRoot = routes.map(({ match }) => match.path.kind === 'prefix' && match.path.value === '/');
            expect(isRoot.slice(0, -1)).not.toContain(true);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('makes no listener where no Gateway selects the proxy, and no problem of it', () => {
    const [gateway] = loadValid(GATEWAY.replace('spec:', 'spec:\n  selector: { istio: other }'));
    expect(lowerAs('gateway', gateway === undefined ? [] : [gateway])).toEqual({
      model: { listeners: [], clusters: [] },
      problems: [],
    });
  });
});
