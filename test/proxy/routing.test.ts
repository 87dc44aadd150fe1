// SPDX-License-Identifier: Apache-2.0
/** Istio's routing features end to end: what a VirtualService says is what clients and upstreams see. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpRouteSpec } from '../../src/resources/types.js';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { ReadResponse } from '../support/raw-client.js';
import type { ReceivedRequest } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const SERVICE = 'echo.example';
let upstream: RawUpstream;
let second: RawUpstream;
let proxy: Gateway;

/** One rule per name, each with a destination of its own to tell them apart by: the answer's `x-rule`. */
function rule(name: string, match: NonNullable<HttpRouteSpec['match']>[number]): HttpRouteSpec {
  return { match: [match], route: [to(SERVICE)], headers: { response: { set: { 'x-rule': name } } } };
}

const MATCHES = virtualService('match.example', [
  rule('exact', { uri: { exact: '/exact' } }),
  rule('folded', { uri: { prefix: '/Folded' }, ignoreUriCase: true }),
  rule('prefix', { uri: { prefix: '/foo' } }),
  rule('regex', { uri: { regex: '/r/[0-9]+' } }),
  // A word boundary has no DFA here, so the pattern is asked of the host.
  rule('boundary', { uri: { regex: '/w/.*\\bword\\b.*' } }),
  rule('method', { method: { exact: 'DELETE' } }),
  rule('header', { headers: { 'x-user': { regex: 'j[ao]n+e?' } } }),
  rule('no-header', { uri: { exact: '/without' }, withoutHeaders: { 'x-off': { exact: '1' } } }),
  rule('query', { queryParams: { q: { exact: 'a%20b' } } }),
  rule('other', {}),
]);

const REDIRECTS = virtualService('redirect.example', [
  { match: [{ uri: { exact: '/scheme' } }], redirect: { scheme: 'https' } },
  { match: [{ uri: { exact: '/port' } }], redirect: { port: 8443, scheme: 'https', redirectCode: 307 } },
  { match: [{ uri: { exact: '/uri' } }], redirect: { uri: '/new', redirectCode: 302 } },
  { match: [{ uri: { exact: '/uri-query' } }], redirect: { uri: '/new?mine=1' } },
  { match: [{ uri: { prefix: '/old/' } }], redirect: { prefixRewrite: '/young/', redirectCode: 308 } },
  { match: [{ uri: { exact: '/authority' } }], redirect: { authority: 'elsewhere.example:81', redirectCode: 303 } },
]);

const REWRITES = virtualService('rewrite.example', [
  { match: [{ uri: { prefix: '/a' } }], rewrite: { uri: '/' }, route: [to(SERVICE, 'first')] },
  { match: [{ uri: { exact: '/exact' } }], rewrite: { uri: '/whole' }, route: [to(SERVICE, 'first')] },
  {
    match: [{ uri: { prefix: '/users/' } }],
    rewrite: { uriRegexRewrite: { match: '/users/([^/]+)/(.*)', rewrite: '/\\2/of/\\1' } },
    route: [to(SERVICE, 'first')],
  },
  { match: [{ uri: { prefix: '/host' } }], rewrite: { authority: 'inside.example' }, route: [to(SERVICE, 'first')] },
]);

const HEADERS = virtualService('headers.example', [
  {
    match: [{ uri: { prefix: '/one' } }],
    route: [
      {
        ...to(SERVICE, 'first'),
        headers: {
          request: { set: { 'x-both': 'destination' }, remove: ['x-gone'] },
          response: { set: { 'x-both': 'destination' }, add: { 'x-list': 'second' } },
        },
      },
    ],
    headers: {
      request: {
        set: { 'x-both': 'route', 'x-path': '%REQ(:path)%', 'x-from': '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' },
        add: {
          'x-address': '%DOWNSTREAM_REMOTE_ADDRESS%',
          'x-percent': '100%%',
          'x-agent': '%REQ(x-missing?user-agent):4%',
        },
      },
      response: {
        set: { 'x-both': 'route', 'x-code': '%RESPONSE_CODE%', 'x-copy': '%RESP(x-app)%', 'x-asked': '%REQ(:method)%' },
        add: { 'x-list': 'first' },
        remove: ['x-secret'],
      },
    },
  },
  {
    match: [{ uri: { prefix: '/several' } }],
    route: [
      { ...to(SERVICE, 'first'), weight: 1, headers: { response: { set: { 'x-both': 'destination' } } } },
      { ...to(SERVICE, 'first'), weight: 1, headers: { response: { set: { 'x-both': 'destination' } } } },
    ],
    headers: { response: { set: { 'x-both': 'route' } } },
  },
]);

const WEIGHTS = virtualService('weights.example', [
  {
    match: [{ uri: { prefix: '/weights' } }],
    route: [
      { ...to(SERVICE, 'first'), weight: 1 },
      { ...to(SERVICE, 'second'), weight: 3 },
    ],
  },
  { match: [{ uri: { prefix: '/alone' } }], route: [{ ...to(SERVICE), weight: 0 }] },
]);

const DIRECT = virtualService('direct.example', [
  {
    match: [{ uri: { exact: '/teapot' } }],
    directResponse: { status: 418, body: { string: 'short and stout' } },
    headers: { response: { set: { 'x-route': 'direct' } } },
  },
  { match: [{ uri: { exact: '/empty' } }], directResponse: { status: 204 } },
]);

beforeAll(async () => {
  upstream = await RawUpstream.start((answer) => answer.send(ok('first', 'x-app: value\r\nx-secret: s\r\n')));
  second = await RawUpstream.start((answer) => answer.send(ok('second')));
  proxy = await startGateway({
    config: [
      gateway(),
      service(SERVICE, [
        { port: upstream.port, labels: { version: 'v1' } },
        { port: second.port, labels: { version: 'v2' } },
      ]),
      destinationRule(SERVICE, {
        subsets: [
          { name: 'first', labels: { version: 'v1' } },
          { name: 'second', labels: { version: 'v2' } },
        ],
      }),
      ...[MATCHES, REDIRECTS, REWRITES, HEADERS, WEIGHTS, DIRECT],
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
  await second.stop();
});

function ask(host: string, target: string, fields = '', method = 'GET'): Promise<ReadResponse> {
  return exchange(proxy.port, host, target, { fields, method });
}

describe('matches', () => {
  it.each([
    ['/exact', '', 'exact'],
    ['/exact?x=1', '', 'exact'],
    ['/exactly', '', 'other'],
    ['/fOLDED/x', '', 'folded'],
    ['/foobar', '', 'prefix'],
    ['/Foobar', '', 'other'],
    ['/r/123?x', '', 'regex'],
    ['/r/123/4', '', 'other'],
    ['/w/a.word.b', '', 'boundary'],
    ['/w/aword', '', 'other'],
    ['/x', 'x-user: jane\r\n', 'header'],
    ['/x', 'x-user: joe\r\n', 'other'],
    ['/x', 'x-user: a\r\nX-User: jon\r\n', 'header'],
    ['/without', '', 'no-header'],
    ['/without', 'x-off: 1\r\n', 'other'],
    ['/x?q=a%20b', '', 'query'],
    ['/x?p=1&q=a%20b&q=c', '', 'query'],
    ['/x?q=a+b', '', 'other'],
  ])('%s %s -> %s', async (target, fields, expected) => {
    expect((await ask('match.example', target, fields)).get('x-rule')).toBe(expected);
  });

  it('compare methods by case', async () => {
    expect((await ask('match.example', '/x', '', 'DELETE')).get('x-rule')).toBe('method');
    expect((await ask('match.example', '/x', '', 'PUT')).get('x-rule')).toBe('other');
  });

  it('find the host without regard to case and port', async () => {
    expect((await ask('MATCH.example:8080', '/exact')).get('x-rule')).toBe('exact');
  });
});

describe('weights', () => {
  it('1 and 3 share 2000 requests within five standard deviations', async () => {
    const bodies: string[] = [];
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask('weights.example', '/weights')));
      bodies.push(...answers.map((answer) => answer.body.toString()));
    }
    const first = bodies.filter((body) => body === 'first').length;
    expect(bodies.filter((body) => body === 'second')).toHaveLength(2000 - first);
    // Binomial with p = 1/4: 500 expected, standard deviation 19.4.
    expect(Math.abs(first - 500)).toBeLessThan(97);
  });

  it('of a single destination are ignored, even 0', async () => {
    expect((await ask('weights.example', '/alone')).status).toBe(200);
  });
});

describe('redirects', () => {
  it.each([
    ['h:8080', '/scheme?y', 301, 'https://h:8080/scheme?y'],
    ['redirect.example:80', '/scheme', 301, 'https://redirect.example/scheme'],
    ['redirect.example', '/port', 307, 'https://redirect.example:8443/port'],
    ['redirect.example', '/uri?q=1', 302, 'http://redirect.example/new?q=1'],
    ['redirect.example', '/uri-query?q=1', 301, 'http://redirect.example/new?mine=1'],
    ['redirect.example', '/old/a?b', 308, 'http://redirect.example/young/a?b'],
    ['redirect.example', '/authority', 303, 'http://elsewhere.example:81/authority'],
  ])('%s %s -> %i %s', async (host, target, status, location) => {
    const asked = host === 'h:8080' ? 'redirect.example:8080' : host;
    const answer = await ask(asked, target);
    expect([answer.status, answer.get('location'), answer.body.length]).toEqual([
      status,
      location.replace('h:8080', 'redirect.example:8080'),
      0,
    ]);
  });
});

describe('direct responses', () => {
  it('have the status, body and headers of their route', async () => {
    const answer = await ask('direct.example', '/teapot');
    expect([answer.status, answer.body.toString(), answer.get('content-type'), answer.get('x-route')]).toEqual([
      418,
      'short and stout',
      'text/plain',
      'direct',
    ]);
  });

  it('may have no body', async () => {
    const answer = await ask('direct.example', '/empty');
    expect([answer.status, answer.brokenAt, answer.get('content-length')]).toEqual([204, null, undefined]);
  });
});

describe('rewrites', () => {
  /** Asks, and returns what the upstream saw. */
  async function seenFor(target: string): Promise<ReceivedRequest> {
    const answer = await ask('rewrite.example', target);
    expect(answer.status).toBe(200);
    return upstream.requests.at(-1) as ReceivedRequest;
  }

  it.each([
    ['/a/b?q=1', '//b?q=1'],
    ['/exact?q', '/whole?q'],
    ['/users/7/list/all?q', '/list/all/of/7?q'],
  ])('%s reaches the upstream as %s, with the original path beside it', async (target, rewritten) => {
    const seen = await seenFor(target);
    expect([seen.target, seen.values('x-envoy-original-path')]).toEqual([rewritten, [target]]);
  });

  it('of the authority change Host only', async () => {
    const seen = await seenFor('/host/x');
    expect([seen.target, seen.values('host'), seen.values('x-envoy-original-host')]).toEqual([
      '/host/x',
      ['inside.example'],
      ['rewrite.example'],
    ]);
  });
});

describe('header operations', () => {
  it('of a destination win over those of the route when it is the only one', async () => {
    const answer = await ask('headers.example', '/one?q', 'x-gone: 1\r\nx-both: client\r\nuser-agent: tester\r\n');
    expect(answer.values('x-both')).toEqual(['destination']);
    expect(answer.values('x-list')).toEqual(['first', 'second']);
    const seen = upstream.requests.at(-1) as ReceivedRequest;
    expect(seen.values('x-both')).toEqual(['destination']);
    expect(seen.values('x-gone')).toEqual([]);
  });

  it('expand templates of the request', async () => {
    await ask('headers.example', '/one?q', 'user-agent: tester\r\n');
    const seen = upstream.requests.at(-1) as ReceivedRequest;
    expect(seen.values('x-path')).toEqual(['/one?q']);
    expect(seen.values('x-from')).toEqual(['127.0.0.1']);
    // The port is 0 where uWebSockets.js does not tell it; docs/FRONTS.md.
    expect(seen.values('x-address')[0]).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(seen.values('x-percent')).toEqual(['100%']);
    expect(seen.values('x-agent')).toEqual(['test']);
  });

  it('expand templates of the response, and remove', async () => {
    const answer = await ask('headers.example', '/one');
    expect([answer.get('x-code'), answer.get('x-copy'), answer.get('x-asked'), answer.get('x-secret')]).toEqual([
      '200',
      'value',
      'GET',
      undefined,
    ]);
  });

  it('of the route win when there are several destinations', async () => {
    expect((await ask('headers.example', '/several')).values('x-both')).toEqual(['route']);
  });
});

describe('headers that a gateway adds, changes and removes', () => {
  it('towards the upstream', async () => {
    await ask(
      'rewrite.example',
      '/exact',
      'x-forwarded-for: 10.0.0.1\r\nx-forwarded-proto: https\r\nx-request-id: mine\r\nx-envoy-max-retries: 9\r\n' +
        'x-envoy-upstream-rq-timeout-ms: 1\r\nx-forwarded-client-cert: By=x\r\nx-envoy-decorator-operation: op\r\n' +
        'keep-alive: timeout=5\r\nte: gzip\r\nX-Mixed-Case: Kept\r\n',
    );
    const seen = upstream.requests.at(-1) as ReceivedRequest;
    expect(seen.values('x-forwarded-for').join(',').replaceAll(' ', '')).toBe('10.0.0.1,127.0.0.1');
    expect(seen.values('x-envoy-external-address')).toEqual(['127.0.0.1']);
    expect(seen.values('x-forwarded-proto')).toEqual(['http']);
    expect(seen.values('x-request-id')[0]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(seen.values('x-envoy-attempt-count')).toEqual(['1']);
    const removed = ['x-envoy-max-retries', 'x-envoy-upstream-rq-timeout-ms', 'x-forwarded-client-cert'];
    const hopByHop = ['x-envoy-decorator-operation', 'keep-alive', 'te', 'connection', 'transfer-encoding', 'upgrade'];
    expect([...removed, ...hopByHop].filter((name) => seen.values(name).length > 0)).toEqual([]);
    expect(seen.fields.map(([name]) => name)).toContain('x-mixed-case');
    expect(seen.values('x-mixed-case')).toEqual(['Kept']);
  });

  it('towards the client', async () => {
    for (const origin of [upstream, second])
      origin.on('/alone', (answer) =>
        answer.send(
          ok('x', 'Server: app\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, x-hop\r\nx-hop: 1\r\nX-App: Y\r\n'),
        ),
      );
    const answer = await ask('weights.example', '/alone');
    expect([answer.values('server'), answer.values('x-app')]).toEqual([['weft'], ['Y']]);
    expect(answer.get('x-envoy-upstream-service-time')).toMatch(/^\d+$/);
    expect([answer.get('keep-alive'), answer.get('connection'), answer.get('x-hop')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(answer.values('date')).toHaveLength(1);
  });
});
