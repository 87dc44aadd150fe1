// SPDX-License-Identifier: Apache-2.0
/** What outlives one message: pipelining, Connection, Expect, Upgrade, HTTP/1.0, and clients that end early. */
import { forward, get, head, HOST, must, policy, post, refuse, SMUGGLED, valid, wait } from './message-case.js';
import type { RequestCase } from './message-case.js';

const pipeline = must('RFC 9112 9.3.2');
const hop = must('RFC 9110 7.6.1');
const expectation = must('RFC 9110 10.1.1');
const upgrade = policy('RFC 9110 7.8');
const sized = post(['Content-Length: 5'], 'hello');
const coded = post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n');
const hello = { line: 'POST /a', body: 'hello' };

function dropped(title: string, fields: readonly string[], ...names: readonly string[]): RequestCase {
  return forward(hop, title, get(...fields), {
    line: 'GET /a',
    fields: Object.fromEntries(names.map((name) => [name, null])),
  });
}

/** Served as far as it goes, then refused. */
function thenRefused(title: string, bytes: string, ...lines: readonly string[]): RequestCase {
  const requests = lines.map((line) => ({ line }));
  return { ...refuse(pipeline, title, bytes), requests, statuses: [...lines.map(() => 200), 400] };
}

/** Served once, then closed, whatever follows. */
function thenClosed(title: string, bytes: string): RequestCase {
  return { ...forward(must('RFC 9112 9.6'), title, bytes, 'GET /a'), end: 'closed' };
}

function ended(title: string, bytes: string): RequestCase {
  return { ...refuse(must('RFC 9112 8'), title, bytes), statuses: [], end: 'closed', halfClose: true };
}

export const connectionCases: readonly RequestCase[] = [
  forward(pipeline, 'two requests', get() + head('GET /b HTTP/1.1', HOST), 'GET /a', 'GET /b'),
  forward(pipeline, 'bodies of both framings', sized + coded + get(), hello, hello, 'GET /a'),
  forward(pipeline, '50 requests', get().repeat(50), ...Array.from({ length: 50 }, () => 'GET /a')),
  forward(pipeline, 'HEAD before GET', head('HEAD /a HTTP/1.1', HOST) + get(), 'HEAD /a', 'GET /a'),
  thenRefused('a malformed request behind a good one', `${get()}GET /b\r\n\r\n`, 'GET /a'),
  thenRefused('a malformed request before a good one', `${get()}\x00${SMUGGLED}`, 'GET /a'),
  thenRefused('two Hosts behind a good request', get() + head('GET /b HTTP/1.1', HOST, HOST), 'GET /a'),
  thenRefused('bytes behind a request', `${get()}x\r\n\r\n`, 'GET /a'),
  thenRefused('bytes behind the last chunk', `${coded}x\r\n\r\n`, 'POST /a'),
  refuse(pipeline, 'nothing behind a malformed request', `GET /a HTTP/1.1\r\nbad\r\n\r\n${SMUGGLED}`),
  thenClosed('close', get('Connection: close') + SMUGGLED),
  thenClosed('close in other letters', get('Connection: CLOSE') + SMUGGLED),
  thenClosed('close in a list', get('Connection: x, close ,y') + SMUGGLED),
  thenClosed('close and keep-alive', get('Connection: keep-alive, close') + SMUGGLED),
  thenClosed('close in a second line', get('Connection: keep-alive', 'Connection: close') + SMUGGLED),
  forward(hop, 'an option that only contains close', get('Connection: closed, xclose'), 'GET /a'),
  dropped('fields that Connection names', ['Connection: X-A, x-b', 'X-A: 1', 'X-B: 2'], 'x-a', 'x-b', 'connection'),
  dropped('fields named in two lines', ['Connection: X-A', 'X-A: 1', 'Connection: X-B', 'X-B: 2'], 'x-a', 'x-b'),
  dropped('fields named before a malformed option', ['Connection: X-A, @, ,,', 'X-A: 1'], 'x-a'),
  dropped(
    'fields of the hop',
    ['Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: gzip'],
    'keep-alive',
    'proxy-connection',
    'te',
  ),
  forward(hop, 'Host that Connection names', get('Connection: Host'), { line: 'GET /a', host: 'web.example' }),
  refuse(
    policy('RFC 9110 7.6.1'),
    'more options than any client has',
    get(`Connection: ${Array.from({ length: 40 }, (_, index) => `x${index}`).join(',')}`),
  ),
  forward(expectation, 'Expect with its body', post(['Content-Length: 5', 'Expect: 100-continue'], 'hello'), hello),
  forward(expectation, 'Expect in other letters', post(['Content-Length: 5', 'expect: 100-Continue'], 'hello'), hello),
  forward(expectation, 'Expect without a body', get('Expect: 100-continue'), 'GET /a'),
  forward(
    expectation,
    'Expect with chunks',
    post(['Transfer-Encoding: chunked', 'Expect: 100-continue'], '5\r\nhello\r\n0\r\n\r\n'),
    hello,
  ),
  wait(expectation, 'Expect whose body does not come', post(['Content-Length: 5', 'Expect: 100-continue'], '')),
  refuse(policy('RFC 9112 2.3'), 'HTTP/1.0', head('GET /a HTTP/1.0', HOST), 426),
  refuse(
    policy('RFC 9112 2.3'),
    'HTTP/1.0 that keeps its connection',
    head('GET /a HTTP/1.0', HOST, 'Connection: keep-alive') + SMUGGLED,
    426,
  ),
  refuse(
    policy('RFC 9112 2.3'),
    'HTTP/1.0 with a body',
    head('POST /a HTTP/1.0', HOST, 'Content-Length: 5') + 'hello',
    426,
  ),
  forward(
    upgrade,
    'an offer of h2c',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    {
      line: 'GET /a',
      fields: { upgrade: null, connection: null, 'http2-settings': null },
    },
  ),
  forward(upgrade, 'Upgrade that Connection does not name', get('Upgrade: websocket'), {
    line: 'GET /a',
    fields: { upgrade: null },
  }),
  ...[
    'TLS/1.0',
    'other',
    'websocket, other',
    'other, websocket',
    'websocket/13',
    '"websocket"',
    'websocket;a',
    'websocket websocket',
    'h2c, websocket',
    'h2',
    'connect-udp',
    ', websocket',
    'websocket\xe2\x84\xaa',
  ].map((to) =>
    refuse(upgrade, `Upgrade to ${JSON.stringify(to)}`, get('Connection: Upgrade', `Upgrade: ${to}`) + SMUGGLED, 403),
  ),
  ...[
    ['two lines', get('Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: other')],
    ['a POST', head('POST /a HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket')],
    ['a body', get('Connection: Upgrade', 'Upgrade: websocket', `Content-Length: ${SMUGGLED.length}`)],
    ['chunks', get('Connection: Upgrade', 'Upgrade: websocket', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
    ['HEAD', head('HEAD /a HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket')],
    ['a small method', head('get /a HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket')],
  ].map(([how = '', bytes = '']) => refuse(upgrade, `Upgrade to websocket by ${how}`, bytes + SMUGGLED, 403)),
  refuse(
    upgrade,
    'Upgrade to websocket and two lengths',
    get('Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0', 'Content-Length: 0') + SMUGGLED,
  ),
  ended('the client ends inside a request line', 'GET /a HT'),
  ended('the client ends inside the fields', `GET /a HTTP/1.1\r\n${HOST}\r\nX-A: b`),
  ended('the client ends inside a body', post(['Content-Length: 10'], 'hello')),
  ended('the client ends inside a chunk', post(['Transfer-Encoding: chunked'], '5\r\nhel')),
  ended('the client ends before the last chunk', post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n')),
  ended('the client ends inside the trailers', post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\nX-A: b')),
  forward(valid('RFC 9110 7.6.2'), 'Max-Forwards of GET', get('Max-Forwards: 0'), {
    line: 'GET /a',
    fields: { 'max-forwards': '0' },
  }),
  forward(must('RFC 9110 7.6.2'), 'Max-Forwards of OPTIONS', head('OPTIONS /a HTTP/1.1', HOST, 'Max-Forwards: 5'), {
    line: 'OPTIONS /a',
    fields: { 'max-forwards': '4' },
  }),
];
