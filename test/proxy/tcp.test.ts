// SPDX-License-Identifier: Apache-2.0
/** TCP routes: gateways of protocol TCP, and ports of a sidecar whose protocol is TCP, TLS, or to be detected. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Authority } from '../support/certificates.js';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import type { Gateway, GatewayOptions } from '../support/gateway.js';
import { destinationRule, GATEWAY_PORT, SERVICE_PORT } from '../support/istio-yaml.js';
import { TcpClient, TcpUpstream } from '../support/tcp-upstream.js';

const MIB = 1024 * 1024;
const running: { stop(): Promise<unknown> }[] = [];

function kept<T extends { stop(): Promise<unknown> }>(one: T): T {
  running.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

const echo = async (name: string): Promise<TcpUpstream> => kept(await TcpUpstream.echo(name));
const start = async (options: GatewayOptions): Promise<Gateway> => kept(await startGateway(options));

function resource(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec });
}

function server(protocol: string, more: object = {}): string {
  const port = { number: GATEWAY_PORT, name: protocol.toLowerCase(), protocol };
  const servers = [{ port, hosts: ['*'], ...more }];
  return resource('Gateway', 'edge', { selector: { istio: 'ingressgateway' }, servers });
}

function entry(host: string, protocol: string, ports: readonly number[], number = SERVICE_PORT): string {
  return resource('ServiceEntry', host, {
    hosts: [host],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ number, name: 'port', ...(protocol === '' ? {} : { protocol }) }],
    endpoints: ports.map((port) => ({ address: '127.0.0.1', ports: { port } })),
  });
}

function destination(host: string, weight?: number): object {
  const place = { destination: { host, port: { number: SERVICE_PORT } } };
  return weight === undefined ? place : { ...place, weight };
}

function tcpRoute(...route: object[]): string {
  return resource('VirtualService', 'db', { hosts: ['*'], gateways: ['edge'], tcp: [{ route }] });
}

async function answerOf(port: number, send = 'ping'): Promise<string> {
  const client = new TcpClient(port);
  client.socket.end(send);
  await eventually('the end of the answer', () => client.isEnded || undefined);
  return client.text;
}

/** The same without an end of the client's, which would give an HTTP request up. */
async function httpAnswerOf(port: number, host: string): Promise<string> {
  const client = new TcpClient(port);
  client.socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  await eventually('the end of the answer', () => client.isEnded || undefined);
  client.socket.destroy();
  return client.text;
}

describe('a TCP server of a gateway', () => {
  it('passes bytes on both ways, and each end by itself', async () => {
    const upstream = await echo('one');
    const proxy = await start({
      config: [server('TCP'), entry('one.test', 'TCP', [upstream.port]), tcpRoute(destination('one.test'))],
      accessLog: 'TEXT',
    });
    const client = new TcpClient(proxy.port);
    await eventually('what the server says first', () => (client.text === 'one:' ? true : undefined));
    client.socket.write('a');
    await eventually('the echo', () => (client.text === 'one:a' ? true : undefined));
    expect(client.isEnded).toBe(false);
    client.socket.end('b');
    await eventually('the end', () => client.isEnded || undefined);
    expect(client.text).toBe('one:ab');
    const line = await proxy.accessLogLine('outbound|8000||one.test');
    expect(line).toContain('"- - -" 0 - - - "-" 2 6');
    const metrics = await proxy.metrics();
    const labels = { destination_service: 'one.test', request_protocol: 'tcp', response_flags: '-' };
    expect(metrics.sum('istio_tcp_connections_opened_total', labels)).toBe(1);
    expect(metrics.sum('istio_tcp_connections_closed_total', labels)).toBe(1);
    expect(metrics.sum('istio_tcp_received_bytes_total', labels)).toBe(2);
    expect(metrics.sum('istio_tcp_sent_bytes_total', labels)).toBe(6);
    expect(metrics.sum('istio_requests_total')).toBe(0);
  });

  it('carries large amounts unchanged, at the pace of who reads slowly', async () => {
    const sent = randomBytes(24 * MIB);
    const upstream = kept(await TcpUpstream.start((socket) => socket.pipe(socket)));
    const proxy = await start({
      config: [server('TCP'), entry('one.test', 'TCP', [upstream.port]), tcpRoute(destination('one.test'))],
    });
    const before = await proxy.residentBytes();
    const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.pause();
    socket.end(sent);
    // Nobody takes what comes back: the sender must be stopped by it.
    await eventually(
      'the upstream stops being read',
      async () => {
        const [one] = [...upstream.sockets];
        const read = one?.bytesRead ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 200));
        return read > 0 && one?.bytesRead === read ? true : undefined;
      },
      15_000,
    );
    expect([...upstream.sockets][0]?.bytesRead).toBeLessThan(sent.length);
    expect((await proxy.residentBytes()) - before).toBeLessThan(32 * MIB);
    const hash = createHash('sha256');
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      length += chunk.length;
    });
    socket.resume();
    await once(socket, 'end');
    expect(length).toBe(sent.length);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  });

  it('draws one of its destinations by weight for each connection', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    const proxy = await start({
      config: [
        server('TCP'),
        entry('one.test', 'TCP', [one.port]),
        entry('two.test', 'TCP', [two.port]),
        tcpRoute(destination('one.test', 80), destination('two.test', 20)),
      ],
    });
    const count = 300;
    const answers: string[] = [];
    for (let index = 0; index < count; index += 10) {
      answers.push(...(await Promise.all(Array.from({ length: 10 }, () => answerOf(proxy.port)))));
    }
    const share = answers.filter((answer) => answer === 'two:ping').length / count;
    // Five standard deviations of a binomial: one run in three million is beyond.
    expect(Math.abs(share - 0.2)).toBeLessThan(5 * Math.sqrt((0.2 * 0.8) / count));
  });

  it('goes on to another endpoint when one can not be reached, and says so when none can', async () => {
    const upstream = await echo('one');
    const [gone, alsoGone] = [await freePort(), await freePort()];
    const proxy = await start({
      config: [
        server('TCP'),
        entry('one.test', 'TCP', [gone, upstream.port]),
        tcpRoute(destination('one.test')),
        destinationRule('one.test', { trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } }),
      ],
      accessLog: 'TEXT',
    });
    for (let index = 0; index < 6; index++) expect(await answerOf(proxy.port)).toBe('one:ping');
    const log = (await proxy.accessLog()).join('\n');
    await proxy.writeConfig([
      server('TCP'),
      entry('one.test', 'TCP', [gone, alsoGone]),
      tcpRoute(destination('one.test')),
    ]);
    const line = await eventually('a connection that finds nobody', async () => {
      await answerOf(proxy.port).catch(() => undefined);
      return (await proxy.accessLog()).find((candidate) => candidate.includes('UF,URX'));
    });
    expect(log).not.toContain('UF');
    expect(line).toContain('ECONNREFUSED');
    const metrics = await proxy.metrics();
    const closed = metrics.sum('istio_tcp_connections_closed_total');
    expect(closed).toBeGreaterThan(6);
    expect(metrics.sum('istio_tcp_connections_opened_total')).toBe(closed);
    expect(metrics.sum('envoy_cluster_upstream_cx_connect_fail')).toBeGreaterThan(3);
  });

  it('opens no more connections than maxConnections allows', async () => {
    const upstream = await echo('one');
    const proxy = await start({
      config: [
        server('TCP'),
        entry('one.test', 'TCP', [upstream.port]),
        tcpRoute(destination('one.test')),
        destinationRule('one.test', { trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } }),
      ],
      threads: 2,
      accessLog: 'TEXT',
    });
    const first = new TcpClient(proxy.port);
    await eventually('the first', () => (first.text === 'one:' ? true : undefined));
    const second = new TcpClient(proxy.port);
    await eventually('the second is closed', () => second.isEnded || undefined);
    expect(second.text).toBe('');
    await proxy.accessLogLine(' UO ');
    first.socket.end();
    await eventually('the first is over', () => first.isEnded || undefined);
    await eventually('another one', async () => ((await answerOf(proxy.port)) === 'one:ping' ? true : undefined));
  });

  it('closes what is idle for tcp.idleTimeout, and nothing that is not', async () => {
    const upstream = await echo('one');
    const idle = { connectionPool: { tcp: { idleTimeout: '1s' } } };
    const proxy = await start({
      config: [
        server('TCP'),
        entry('one.test', 'TCP', [upstream.port]),
        tcpRoute(destination('one.test')),
        destinationRule('one.test', { trafficPolicy: idle }),
      ],
      accessLog: 'TEXT',
    });
    const [busy, silent] = [new TcpClient(proxy.port), new TcpClient(proxy.port)];
    const talk = setInterval(() => busy.socket.write('.'), 100);
    await eventually('the silent one is closed', () => silent.isClosed || silent.isEnded || undefined);
    const before = busy.received.length;
    await eventually('the other one goes on', () => (busy.received.length > before + 3 ? true : undefined));
    clearInterval(talk);
    expect(busy.isEnded).toBe(false);
    await proxy.accessLogLine('tcp_session_idle_timeout');
    busy.socket.destroy();
  });

  it('leaves connections alone when the configuration changes, and closes new ones without a route', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    const config = (host: string, port: number): string[] => [
      server('TCP'),
      entry(host, 'TCP', [port]),
      tcpRoute(destination(host)),
    ];
    const proxy = await start({ config: config('one.test', one.port), accessLog: 'TEXT' });
    const old = new TcpClient(proxy.port);
    await eventually('the old connection', () => (old.text === 'one:' ? true : undefined));
    for (let index = 0; index < 3; index++) await proxy.writeConfig(config(`two${index}.test`, two.port));
    await eventually('new ones go elsewhere', async () =>
      (await answerOf(proxy.port)) === 'two:ping' ? true : undefined,
    );
    old.socket.write('still here');
    await eventually('the old one is answered', () => (old.text === 'one:still here' ? true : undefined));
    await proxy.writeConfig([server('TCP')]);
    await eventually('no route', async () => ((await answerOf(proxy.port)) === '' ? true : undefined));
    await proxy.accessLogLine(' NR ');
    old.socket.destroy();
  });

  it('gives the metrics what has passed while a connection lasts', async () => {
    const upstream = await echo('one');
    const proxy = await start({
      config: [server('TCP'), entry('one.test', 'TCP', [upstream.port]), tcpRoute(destination('one.test'))],
    });
    const client = new TcpClient(proxy.port);
    client.socket.write('12345');
    await eventually('the echo', () => (client.text === 'one:12345' ? true : undefined));
    const opened = await proxy.metrics();
    expect(opened.sum('istio_tcp_connections_opened_total')).toBe(1);
    expect(opened.sum('istio_tcp_connections_closed_total')).toBe(0);
    await eventually(
      'the bytes are reported',
      async () => ((await proxy.metrics()).sum('istio_tcp_received_bytes_total') === 5 ? true : undefined),
      10_000,
    );
    client.socket.destroy();
  });
});

const authority = new Authority('servers');
const pair = (name: string): tls.SecureContextOptions => {
  const { certificate, privateKey } = authority.issue({ commonName: name, dnsNames: [name] });
  return { cert: certificate, key: privateKey };
};

/** A TLS server that says its name and the server name that it was asked for. */
async function tlsUpstream(name: string): Promise<{ port: number; stop(): Promise<void> }> {
  const listening = tls.createServer(pair(name), (socket) => {
    socket.on('error', () => undefined);
    socket.end(`${name} for ${socket.servername}`);
  });
  const sockets = new Set<net.Socket>();
  listening.on('connection', (socket: net.Socket) => sockets.add(socket));
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return kept({
    port: (listening.address() as net.AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => listening.close(() => resolve()));
    },
  });
}

/** What a TLS client is told; '' when it is closed before. */
function askTls(port: number, servername: string, options: tls.ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false, ...options });
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(text));
  });
}

describe('TLS that is passed on', () => {
  const sni = (host: string, ...sniHosts: string[]): object => ({ match: [{ sniHosts }], route: [destination(host)] });
  const routes = (...rules: object[]): string =>
    resource('VirtualService', 'tls', { hosts: ['*.test'], gateways: ['edge'], tls: rules });

  it('goes by server name: exact, then the longest wildcard; anything else is closed', async () => {
    const [a, wild, deep] = [await tlsUpstream('a'), await tlsUpstream('wild'), await tlsUpstream('deep')];
    const proxy = await start({
      config: [
        server('TLS', { tls: { mode: 'PASSTHROUGH' } }),
        entry('a.svc', 'TLS', [a.port]),
        entry('wild.svc', 'TLS', [wild.port]),
        entry('deep.svc', 'TLS', [deep.port]),
        routes(sni('wild.svc', '*.test'), sni('a.svc', 'A.test'), sni('deep.svc', '*.deep.test')),
      ],
      accessLog: 'TEXT',
    });
    expect(await askTls(proxy.port, 'a.test')).toBe('a for a.test');
    expect(await askTls(proxy.port, 'b.test')).toBe('wild for b.test');
    expect(await askTls(proxy.port, 'x.deep.test')).toBe('deep for x.deep.test');
    expect(await askTls(proxy.port, 'a.elsewhere')).toBe('');
    expect(await askTls(proxy.port, '')).toBe('');
    expect(await proxy.accessLogLine('outbound|8000||a.svc')).toContain(' a.test -');
    // What is no ClientHello has no server name, and no chain.
    expect(await answerOf(proxy.port, 'GET / HTTP/1.1\r\n\r\n')).toBe('');
  });

  it('reads a ClientHello that comes byte by byte', async () => {
    const upstream = await tlsUpstream('a');
    const proxy = await start({
      config: [
        server('TLS', { tls: { mode: 'PASSTHROUGH' } }),
        entry('a.svc', 'TLS', [upstream.port]),
        routes(sni('a.svc', 'a.test')),
      ],
    });
    const slow = net.createServer((socket) => {
      const out = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
      out.pipe(socket);
      socket.on('error', () => out.destroy());
      out.on('error', () => socket.destroy());
      socket.once('data', (chunk: Buffer) => {
        void (async () => {
          for (const byte of chunk.subarray(0, 40)) {
            out.write(Buffer.from([byte]));
            await new Promise((resolve) => setImmediate(resolve));
          }
          out.write(chunk.subarray(40));
          socket.pipe(out);
        })();
      });
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    expect(await askTls((slow.address() as net.AddressInfo).port, 'a.test')).toBe('a for a.test');
    slow.close();
  });

  it('ends at the gateway where the server says so, and goes on as TCP', async () => {
    const upstream = await echo('plain');
    const { certificate, privateKey } = authority.issue({ commonName: 'a.test', dnsNames: ['a.test'] });
    const data = { 'tls.crt': btoa(certificate), 'tls.key': btoa(privateKey) };
    const proxy = await start({
      config: [
        server('TLS', { hosts: ['a.test'], tls: { mode: 'SIMPLE', credentialName: 'a' } }),
        stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'default' }, data }),
        entry('one.test', 'TCP', [upstream.port]),
        tcpRoute(destination('one.test')),
      ],
    });
    const socket = tls.connect({
      port: proxy.port,
      host: '127.0.0.1',
      servername: 'a.test',
      ca: authority.certificate,
    });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'secureConnect');
    socket.write('hello');
    await eventually('the echo through TLS', () => (text === 'plain:hello' ? true : undefined));
    socket.destroy();
    expect(await askTls(proxy.port, 'b.test')).toBe('');
  });
});

describe('TCP to a cluster with TLS', () => {
  const secured = (tlsSettings: object): string =>
    destinationRule('a.test', { trafficPolicy: { tls: { mode: 'SIMPLE', sni: 'a.test', ...tlsSettings } } });

  it('is secured as its DestinationRule asks, and closed when the server can not be trusted', async () => {
    const upstream = await tlsUpstream('a');
    const config = [server('TCP'), entry('a.test', 'TCP', [upstream.port]), tcpRoute(destination('a.test'))];
    const proxy = await start({ config: [...config, secured({ insecureSkipVerify: true })], accessLog: 'TEXT' });
    expect(await answerOf(proxy.port)).toBe('a for a.test');
    // Without authorities of its own it trusts the public ones, who have not signed this server's certificate.
    await proxy.writeConfig([...config, secured({})]);
    await eventually('the server is not trusted', async () => ((await answerOf(proxy.port)) === '' ? true : undefined));
    expect(await proxy.accessLogLine('UF,URX')).toContain('TLS_error');
  });
});

describe('a port of a sidecar', () => {
  const sidecar = (...config: string[]): Promise<Gateway> =>
    start({ config, options: ['--role', 'sidecar'], accessLog: 'TEXT' });
  /** On the port that the proxy is told to listen on. */
  const here = (host: string, protocol: string, port: number): string => entry(host, protocol, [port], GATEWAY_PORT);

  it('with protocol TCP forwards to its service, or where a tcp rule of the mesh says', async () => {
    const [one, two] = [await echo('one'), await echo('two')];
    const config = [here('one.test', 'TCP', one.port), entry('two.other', 'TCP', [two.port])];
    const proxy = await sidecar(...config);
    const { port } = proxy;
    expect(await answerOf(port)).toBe('one:ping');
    const rule = resource('VirtualService', 'one', {
      hosts: ['one.test'],
      tcp: [{ route: [destination('two.other')] }],
    });
    await proxy.writeConfig([...config, rule]);
    await eventually('the rule', async () => ((await answerOf(port)) === 'two:ping' ? true : undefined));
  });

  it('with protocol TLS forwards by server name to the service that has it', async () => {
    const [a, b] = [await tlsUpstream('a'), await tlsUpstream('b')];
    const { port } = await sidecar(here('a.test', 'TLS', a.port), here('b.test', 'HTTPS', b.port));
    expect(await askTls(port, 'a.test')).toBe('a for a.test');
    expect(await askTls(port, 'b.test')).toBe('b for b.test');
    expect(await askTls(port, 'c.test')).toBe('');
  });

  it('without a protocol looks at the first bytes: HTTP is routed, anything else is TCP', async () => {
    const upstream = kept(
      await TcpUpstream.start((socket) => {
        socket.once('data', (chunk: Buffer) => {
          const isHttp = chunk.toString('latin1').startsWith('GET ');
          socket.end(isHttp ? 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhttp' : `tcp:${chunk.toString('latin1')}`);
        });
      }),
    );
    const proxy = await sidecar(here('one.test', '', upstream.port));
    const { port } = proxy;
    const reply = await fetch(`http://127.0.0.1:${port}/`, { headers: { host: 'one.test' } });
    expect([reply.status, await reply.text()]).toEqual([502, '']);
    expect(await httpAnswerOf(port, 'one.test')).toMatch(/^HTTP\/1\.1 200 OK[^]*http$/);
    expect(await answerOf(port, 'SSH-2.0-x\r\n')).toBe('tcp:SSH-2.0-x\r\n');
    // A method that Envoy does not know, and a line that is no request's.
    expect(await answerOf(port, 'HELO you\r\n')).toBe('tcp:HELO you\r\n');
    const metrics = await proxy.metrics();
    expect(metrics.sum('istio_tcp_connections_closed_total')).toBeGreaterThanOrEqual(2);
    expect(metrics.sum('istio_requests_total', { response_code: '200' })).toBe(1);
  });

  it('tells HTTP, TLS and TCP services of one port apart', async () => {
    const plain = await echo('tcp');
    const secure = await tlsUpstream('tls');
    const web = kept(
      await TcpUpstream.start((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nweb')),
    );
    const { port } = await sidecar(
      here('plain.test', 'TCP', plain.port),
      here('secure.test', 'TLS', secure.port),
      here('web.test', 'HTTP', web.port),
    );
    expect(await answerOf(port, 'hello\r\n')).toBe('tcp:hello\r\n');
    expect(await askTls(port, 'secure.test')).toBe('tls for secure.test');
    expect(await httpAnswerOf(port, 'web.test')).toMatch(/web$/);
  });
});
