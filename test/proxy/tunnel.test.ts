// SPDX-License-Identifier: Apache-2.0
/** What an upgraded connection carries, byte by byte, on bare sockets: early bytes, ends, slow readers, deaths, counts. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GENERATION_SLOTS } from '../../assembly/layout.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import type { Answer } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const MB = 1 << 20;
const HOST = 'web.example';
const ASK =
  'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-a: b\r\n\r\n';

/** Rules whose answers tell their version. */
function rules(version: number): string[] {
  const headers = { response: { set: { 'x-version': String(version) } } };
  return [gateway(), ...forwarded('web', [{ port: upstream.port }], undefined, { headers })];
}

/** One socket of a test: what has come, and whether the other side has ended. */
class Side {
  readonly socket: net.Socket;
  receivedBytes = 0;
  ended = false;
  closed = false;
  /** The last bytes; enough for what the tests look at. */
  text = '';

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.allowHalfOpen = true;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
      this.text = (this.text + chunk.toString('latin1')).slice(-4096);
    });
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  sees(text: string): Promise<true> {
    return eventually(`${text} arrives`, () => (this.text.includes(text) ? true : undefined));
  }

  seesEnd(): Promise<true> {
    return eventually('the other side ends', () => (this.ended ? true : undefined));
  }

  seesClose(): Promise<true> {
    return eventually('the connection is closed', () => (this.closed ? true : undefined));
  }
}

let upstream: RawUpstream;
let proxy: Gateway;
let count = 0;
const open: net.Socket[] = [];

beforeAll(async () => {
  upstream = await RawUpstream.start();
  proxy = await startGateway({
    config: [gateway(), ...forwarded('web', [{ port: upstream.port }])],
    accessLog: 'TEXT',
  });
});

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

/** Asks for an upgrade, `early` in the same packet; the upstream has not answered yet. */
async function ask(early = '', to = proxy): Promise<{ client: Side; answer: Answer; path: string }> {
  const path = `/tunnel-${++count}`;
  let asked: Answer | undefined;
  upstream.on(path, (answer) => {
    asked = answer;
  });
  const socket = net.connect({ port: to.port, host: '127.0.0.1', noDelay: true });
  open.push(socket);
  const client = new Side(socket);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${HOST}\r\n${ASK}\r\n${early}`);
  const answer = await eventually('the upstream is asked', () => asked);
  return { client, answer, path };
}

/** An open tunnel. */
async function tunnel(to = proxy): Promise<{ client: Side; server: Side; path: string }> {
  const { client, answer, path } = await ask('', to);
  const server = new Side(answer.socket);
  answer.send(SWITCH);
  await client.sees('\r\n\r\n');
  return { client, server, path };
}

/** Flags and details of an access-log line. */
function outcome(line: string): string {
  const found = /HTTP\/1\.1" (\d+) (\S+) (\S+)/.exec(line);
  return found ? found.slice(1).join(' ') : line;
}

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('an upgrade', () => {
  it('is asked for with its fields written anew, and answered with the fields of the upstream', async () => {
    const { client, answer } = await ask();
    expect(answer.request.values('connection')).toEqual(['upgrade']);
    expect(answer.request.values('upgrade')).toEqual(['websocket']);
    expect(answer.request.values('sec-websocket-key')).toEqual(['AAAAAAAAAAAAAAAAAAAAAA==']);
    answer.send(SWITCH);
    await client.sees('\r\n\r\n');
    expect(client.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    for (const line of ['upgrade: websocket', 'connection: upgrade', 'x-a: b']) expect(client.text).toContain(line);
    expect(client.text).not.toMatch(/content-length|transfer-encoding|connection: close/);
  });

  it('keeps bytes that the client sends too early until the upstream has switched', async () => {
    const { client, answer } = await ask('first ');
    client.socket.write('second ');
    const server = new Side(answer.socket);
    await sleep(100);
    expect(server.receivedBytes).toBe(0);
    answer.send(`${SWITCH}hello`);
    await server.sees('first second ');
    client.socket.write('third');
    await server.sees('first second third');
    await client.sees('\r\n\r\nhello');
  });

  it('that is refused after such bytes is answered and closed, and they are never a request', async () => {
    const before = upstream.requests.length;
    const { client, answer } = await ask(`GET /smuggled HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    answer.send(ok('plain'));
    await client.sees('plain');
    await client.seesEnd();
    expect(client.text).toContain('connection: close');
    expect(upstream.requests.length).toBe(before + 1);
  });

  it('that is refused with a body of unknown length brings that body in chunks', async () => {
    const { client, answer } = await ask();
    answer.send('HTTP/1.1 200 OK\r\n\r\nplain');
    answer.socket.end();
    await client.seesEnd();
    const [head = '', ...body] = client.text.split('\r\n\r\n');
    expect([head.includes('transfer-encoding: chunked'), body]).toEqual([true, ['5\r\nplain\r\n0', '']]);
  });

  it('that is refused leaves the connection of the upstream to others', async () => {
    const { client, answer } = await ask();
    answer.send(ok('plain'));
    await client.sees('plain');
    await exchange(proxy.port, HOST, '/next');
    expect(upstream.requestsFor('/next').at(-1)?.connection).toBe(answer.request.connection);
  });

  it.each([
    ['to another protocol', 'connection: upgrade\r\nupgrade: other\r\n'],
    ['without saying to what', 'connection: upgrade\r\n'],
    ['without saying so to its neighbour', 'upgrade: websocket\r\n'],
  ])('that the upstream accepts %s fails', async (_what, fields) => {
    const { client, answer } = await ask();
    answer.send(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    await client.sees('HTTP/1.1 502');
  });

  it.each([
    ['to another protocol', 'GET', 'connection: upgrade\r\nupgrade: other\r\n'],
    ['of a POST', 'POST', `${ASK}content-length: 0\r\n`],
    ['to one of two', 'GET', 'connection: upgrade\r\nupgrade: websocket, other\r\n'],
  ])('%s is refused by the proxy', async (_what, method, fields) => {
    const before = upstream.requests.length;
    const answer = await exchange(proxy.port, HOST, '/no', { method, fields });
    expect([answer.status, upstream.requests.length]).toEqual([403, before]);
  });

  it('whose client leaves before the answer is given up', async () => {
    const { client, answer, path } = await ask();
    client.socket.destroy();
    await answer.closed;
    expect(outcome(await proxy.accessLogLine(path))).toBe('0 DC downstream_remote_disconnect');
  });
});

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('the end of', () => {
  it('the upstream is passed on, and the client may go on sending', async () => {
    const { client, server, path } = await tunnel();
    server.socket.end('last words');
    await client.sees('last words');
    await client.seesEnd();
    client.socket.write('and mine');
    await server.sees('and mine');
    client.socket.end();
    await server.seesEnd();
    await Promise.all([client.seesClose(), server.seesClose()]);
    expect(outcome(await proxy.accessLogLine(path))).toBe('101 - via_upstream');
  });

  it('the client is passed on, and the upstream may go on sending', async () => {
    const { client, server, path } = await tunnel();
    client.socket.end('last words');
    await server.sees('last words');
    await server.seesEnd();
    server.socket.write('and mine');
    await client.sees('and mine');
    server.socket.end();
    await client.seesEnd();
    expect(outcome(await proxy.accessLogLine(path))).toBe('101 DC downstream_remote_disconnect');
  });

  it('either side brings all that was sent before it', async () => {
    const size = 8 * MB;
    const { client, server } = await tunnel();
    const received = client.receivedBytes;
    for (const side of [client, server]) side.socket.end(Buffer.alloc(size, 'x'));
    await Promise.all([client.seesEnd(), server.seesEnd()]);
    expect([client.receivedBytes - received, server.receivedBytes]).toEqual([size, size]);
  });

  it('a client that dies closes the upstream', async () => {
    const { client, server, path } = await tunnel();
    client.socket.resetAndDestroy();
    await server.seesEnd();
    expect(outcome(await proxy.accessLogLine(path))).toBe('101 DC downstream_remote_disconnect');
  });

  it('an upstream that dies closes the client, after what it had said', async () => {
    const { client, server, path } = await tunnel();
    server.socket.write('last words');
    await client.sees('last words');
    server.socket.resetAndDestroy();
    await client.seesEnd();
    const details = 'upstream_reset_after_response_started{connection_termination}';
    expect(outcome(await proxy.accessLogLine(path))).toBe(`101 UC ${details}`);
  });
});

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('a tunnel', () => {
  it('is counted once, when it is over, with all of its bytes', async () => {
    const labels = { response_code: '101' };
    const before = await proxy.metrics();
    const { client, server, path } = await tunnel();
    client.socket.write(Buffer.alloc(MB, 'c'));
    server.socket.write(Buffer.alloc(2 * MB, 's'));
    await eventually('all is there', () =>
      server.receivedBytes === MB && client.receivedBytes > 2 * MB ? true : undefined,
    );
    const during = await proxy.metrics();
    expect(during.sum('istio_requests_total', labels)).toBe(before.sum('istio_requests_total', labels));
    server.socket.end();
    client.socket.end();
    const line = await proxy.accessLogLine(path);
    expect(line).toContain(` ${MB} ${2 * MB} `);
    const after = await proxy.metrics();
    expect(after.sum('istio_requests_total', labels)).toBe(before.sum('istio_requests_total', labels) + 1);
    const added = (name: string): number => after.sum(name, labels) - before.sum(name, labels);
    expect(added('istio_request_bytes_sum') - MB).toBeGreaterThan(100);
    expect(added('istio_request_bytes_sum') - MB).toBeLessThan(1000);
    expect(added('istio_response_bytes_sum') - 2 * MB).toBeGreaterThan(50);
    expect(added('istio_response_bytes_sum') - 2 * MB).toBeLessThan(1000);
  });

  it('leaves its upstream connection to nobody', async () => {
    const { client, server } = await tunnel();
    client.socket.end();
    server.socket.end();
    await server.seesClose();
    const before = upstream.connectionCount;
    expect((await exchange(proxy.port, HOST, '/after')).status).toBe(200);
    expect(upstream.connectionCount).toBeGreaterThanOrEqual(before);
    expect((await proxy.metrics()).sum('envoy_cluster_upstream_cx_active')).toBeLessThanOrEqual(2);
  });

  it.each(['client', 'server'] as const)('makes its sender wait for a slow %s, and memory stays flat', async (slow) => {
    const size = 200 * MB;
    const ends = await tunnel();
    const [reader, sender] = slow === 'client' ? [ends.client, ends.server] : [ends.server, ends.client];
    reader.socket.pause();
    const received = reader.receivedBytes;
    const memory = await proxy.residentBytes();
    const block = Buffer.alloc(128 * 1024, 'b');
    let written = 0;
    const sending = (async () => {
      while (written < size) {
        written += block.length;
        if (!sender.socket.write(block)) await once(sender.socket, 'drain');
      }
    })();
    let seen = -1;
    await eventually(
      'the sender waits',
      async () => {
        const stalled = written === seen;
        seen = written;
        await sleep(300);
        return stalled ? true : undefined;
      },
      15_000,
    );
    expect(written).toBeLessThan(40 * MB);
    expect((await proxy.residentBytes()) - memory).toBeLessThan(40 * MB);
    reader.socket.resume();
    await sending;
    await eventually('all is there', () => (reader.receivedBytes - received >= size ? true : undefined), 20_000);
    expect((await proxy.residentBytes()) - memory).toBeLessThan(60 * MB);
  });

  it('does not keep the rules that it began with: more changes than generations fit are no trouble', async () => {
    const sides: { client: Side; server: Side }[] = [];
    const other = await startGateway({ config: rules(0) });
    try {
      for (let version = 1; version <= GENERATION_SLOTS + 4; version++) {
        sides.push(await tunnel(other));
        await other.writeConfig(rules(version));
        await eventually('the new rules hold', async () =>
          (await exchange(other.port, HOST, '/')).get('x-version') === String(version) ? true : undefined,
        );
      }
      for (const [index, { client, server }] of sides.entries()) {
        client.socket.write(`from ${index}`);
        await server.sees(`from ${index}`);
      }
      expect((await other.metrics()).sum('weft_config_stale')).toBe(0);
    } finally {
      await other.stop();
    }
  }, 60_000);

  it('lives through the drain of its proxy, and is closed and logged at its end', async () => {
    const draining = await startGateway({
      config: [gateway(), ...forwarded('web', [{ port: upstream.port }])],
      accessLog: 'TEXT',
      drainSeconds: 1,
    });
    try {
      const { client, server, path } = await tunnel(draining);
      draining.signal('SIGTERM');
      await eventually('the port is closed', async () => {
        const late = await RawClient.connect(draining.port).catch(() => undefined);
        late?.close();
        return late ? undefined : true;
      });
      client.socket.write('still here');
      await server.sees('still here');
      expect(await draining.ended).toEqual({ code: 0, signal: null });
      await Promise.all([client.seesEnd(), server.seesEnd()]);
      expect((await draining.accessLog()).filter((line) => line.includes(path)).map(outcome)).toEqual([
        '101 DC downstream_remote_disconnect',
      ]);
    } finally {
      await draining.stop();
    }
  });
});
