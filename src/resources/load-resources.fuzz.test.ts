// SPDX-License-Identifier: Apache-2.0
/** What must hold for any input: nothing throws, and what is wrong with one resource is no other one's loss. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkReferences } from './check-references.js';
import { loadTexts } from './load-resources.js';
import type { LoadedResources } from './load-resources.js';
import { parsePath } from './json-path.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const VALID: readonly Json[] = [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'a', namespace: 'n', labels: { x: 'y' } },
    spec: {
      hosts: ['a', '*.a.example'],
      gateways: ['mesh', 'n/g'],
      exportTo: ['.', 'm'],
      http: [
        {
          name: 'first',
          match: [{ uri: { prefix: '/a' }, headers: { x: { regex: 'a+' } }, withoutHeaders: { y: {} }, port: 80 }],
          route: [
            {
              destination: { host: 'a', subset: 'v1', port: { number: 80 } },
              weight: 1,
              headers: { request: { set: { x: '%REQ(y)%' } } },
            },
            { destination: { host: 'b' }, weight: 2 },
          ],
          timeout: '1s',
          retries: { attempts: 2, retryOn: '5xx,503', perTryTimeout: '1s' },
          fault: {
            delay: { fixedDelay: '1s', percentage: { value: 1 } },
            abort: { httpStatus: 503, percentage: { value: 1 } },
          },
          rewrite: { uriRegexRewrite: { match: 'a', rewrite: '\\0' } },
          corsPolicy: { allowOrigins: [{ exact: 'https://a' }], maxAge: '1s' },
        },
        { redirect: { uri: '/b', redirectCode: 302 } },
      ],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'DestinationRule',
    metadata: { name: 'a' },
    spec: {
      host: 'a',
      trafficPolicy: {
        loadBalancer: { consistentHash: { httpCookie: { name: 'c', ttl: '0s' }, maglev: { tableSize: 65537 } } },
        connectionPool: { tcp: { maxConnections: 1, connectTimeout: '1s' }, http: { http2MaxRequests: 1 } },
        outlierDetection: {},
        tls: { mode: 'DISABLE' },
        portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'RANDOM' } }],
      },
      subsets: [{ name: 'v1', labels: { version: 'v1' } }],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'g' },
    spec: {
      selector: { app: 'g' },
      servers: [
        {
          port: { number: 443, name: 'h', protocol: 'HTTPS' },
          hosts: ['n/*.a'],
          tls: { mode: 'SIMPLE', credentialName: 'a' },
        },
      ],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'ServiceEntry',
    metadata: { name: 's' },
    spec: {
      hosts: ['a.example'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: '10.0.0.1', ports: { http: 8080 }, labels: { a: 'b' } }],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a' },
    spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { a: 'b' } },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a' },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: null } }],
    ports: [{ name: '', port: 80 }],
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ ports: [{ containerPort: 80 }] }] },
    status: { podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
  },
];

const NEIGHBOUR = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: neighbour, namespace: far}\nspec: {hosts: [x.example], http: [{redirect: {uri: /}}]}\n`;

const strange: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(null, true, 0, -1, 1e99, '', '*', '.', '__proto__', '0s', '%', '(', '/', [], {}, [null], {
    '': null,
  }),
  fc.string(),
  fc.jsonValue().map((value) => value as Json),
);

/** Replaces the value at the position that the numbers lead to; some mutations rename the key instead. */
function mutate(value: Json, turns: readonly number[], replacement: Json): Json {
  const [turn, ...rest] = turns;
  if (turn === undefined || typeof value !== 'object' || value === null) return replacement;
  const keys = Object.keys(value);
  const key = keys[turn % keys.length];
  if (key === undefined) return replacement;
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === key ? mutate(item, rest, replacement) : item));
  }
  if (turn % 11 === 10)
    return { ...value, [typeof replacement === 'string' ? replacement : 'strange']: value[key] ?? null };
  return { ...value, [key]: mutate(value[key] ?? null, rest, replacement) };
}

const mutated = fc
  .record({
    document: fc.constantFrom(...VALID),
    turns: fc.array(fc.nat(60), { maxLength: 9 }),
    replacement: strange,
  })
  .map(({ document, turns, replacement }) => mutate(document, turns, replacement));

function load(...texts: string[]): LoadedResources {
  return loadTexts([{ file: 'f', text: texts.join('\n---\n') }]);
}

describe('loadResources for any input', () => {
  it('accepts the documents that the mutations start from', () => {
    const { resources, problems } = load(...VALID.map((document) => JSON.stringify(document)));
    expect(problems.filter((problem) => problem.severity === 'error')).toEqual([]);
    expect(resources).toHaveLength(VALID.length);
  });

  it('never throws on a mutated document, and keeps its neighbour', () => {
    const [expected] = load(NEIGHBOUR).resources;
    fc.assert(
      fc.property(mutated, (document) => {
        const { resources, problems } = load(JSON.stringify(document), NEIGHBOUR);
        const neighbour = resources.find((resource) => resource.name === 'neighbour');
        expect(neighbour?.spec).toEqual(expected?.spec);
        expect(neighbour?.position.line).toBe(3);
        for (const problem of [...problems, ...checkReferences(resources)]) {
          expect(problem.message).not.toBe('');
          expect(problem.position.line).toBeGreaterThan(0);
          expect(parsePath(problem.path).length > 0 || problem.path === '').toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('leaves a resource out exactly when it has an error', () => {
    fc.assert(
      fc.property(mutated, (document) => {
        const { resources, problems } = load(JSON.stringify(document));
        const isFaulty = problems.some((problem) => problem.severity === 'error');
        const isLeftOut = problems.some((problem) => problem.code.startsWith('kind-'));
        expect(resources).toHaveLength(isFaulty || isLeftOut || holdsNothing(document) ? 0 : 1);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on text that is hardly YAML', () => {
    const fragments = fc.constantFrom(
      '---',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ': ',
      'a',
      '"',
      "'",
      '\n',
      '  ',
      '&a ',
      '*a',
      '|',
      '<<',
      '? ',
      '!!x ',
      '%YAML',
      '#',
      '\t',
      'kind: List\n',
      'items:\n',
    );
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 60 }), (parts) => {
        const { resources } = load(parts.join(''), NEIGHBOUR);
        expect(resources.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });
});

/** `null` is an empty document, and an empty List holds nothing: neither is a resource nor a fault. */
function holdsNothing(document: Json): boolean {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document === null;
  const { kind } = document;
  return typeof kind === 'string' && kind.endsWith('List');
}
