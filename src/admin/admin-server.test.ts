// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_STATUS, fakeAdminSource, MODEL } from '../../test/support/admin-source.js';
import type { FakeAdminSource } from '../../test/support/admin-source.js';
import { parseExposition } from '../../test/support/exposition.js';
import { REVIEWS_CLUSTER, SERVER } from '../../test/support/statistics.js';
import { ENDPOINTS, startAdmin } from './admin-server.js';
import type { RunningServer } from './http-server.js';

const LOCAL = { address: '127.0.0.1', port: 0 };

let source: FakeAdminSource;
let admin: RunningServer;
beforeEach(async () => {
  source = fakeAdminSource();
  admin = await startAdmin({ source, listen: LOCAL });
});
afterEach(() => admin.close());

function ask(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`http://127.0.0.1:${admin.port}${path}`, init);
}

const get = async (path: string) => (await ask(path)).text();
const getJson = async <T>(path: string) => (await (await ask(path)).json()) as T;
const post = (path: string, headers: Record<string, string> = {}) => ask(path, { method: 'POST', headers });

/** fetch does not let a caller choose the Host header. */
function askAs(
  headers: Record<string, string>,
  method = 'GET',
  path = '/ready',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: admin.port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject).end();
  });
}

describe('every endpoint', () => {
  it('answers its method and refuses the other with the one it takes', async () => {
    for (const { method, path } of ENDPOINTS) {
      const url = path.replace('{number}', '0');
      const right = await ask(url, { method });
      expect(right.status, path).toBe(200);
      await right.arrayBuffer();
      const wrong = await ask(url, { method: method === 'GET' ? 'POST' : 'GET' });
      expect(wrong.status, path).toBe(405);
      expect(wrong.headers.get('allow'), path).toBe(method === 'GET' ? 'GET, HEAD' : 'POST');
    }
  });

  it('answers HEAD without a body and with its length', async () => {
    const response = await ask('/ready', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('5');
    expect(await response.text()).toBe('');
  });

  it('is linked from the page at / and listed by /help', async () => {
    const [page, help] = [await get('/'), await get('/help')];
    for (const { method, path, summary } of ENDPOINTS) {
      expect(page).toContain(path);
      expect(help).toContain(`  ${path}${method === 'POST' ? ' (POST)' : ''}: ${summary}\n`);
    }
    expect(page).not.toMatch(/src=|https?:\/\//);
  });

  it('is described in docs/ADMIN.md', async () => {
    const doc = await readFile('docs/ADMIN.md', 'utf8');
    for (const { path, parameters } of ENDPOINTS) {
      expect(doc).toContain(`\`${path}\``);
      for (const name of Object.keys(parameters ?? {})) expect(doc, path).toContain(name);
    }
  });

  it('refuses parameters that it does not know, or twice, naming them', async () => {
    for (const { method, path, parameters } of ENDPOINTS) {
      if (parameters === undefined) continue;
      const response = await ask(`${path.replace('{number}', '0')}?fliter=x`, { method });
      expect(response.status, path).toBe(400);
      expect(await response.text()).toContain('"fliter"');
    }
    expect((await ask('/stats?filter=a&filter=b')).status).toBe(400);
    expect(source.actions).toEqual([]);
  });
});

describe('an unknown path', () => {
  it('gets 404 with the list', async () => {
    for (const path of ['/nothing', '/threads/{number}/crash', '/threads/x/crash', '/ready/']) {
      const response = await post(path);
      expect(response.status, path).toBe(404);
      expect(await response.text()).toContain('/config_dump');
    }
  });
});

describe('access', () => {
  it('is given under IP addresses and localhost', async () => {
    for (const host of ['127.0.0.1:15000', '10.0.0.7', '[::1]:15000', 'localhost', 'LOCALHOST:15000']) {
      expect((await askAs({ host })).status, host).toBe(200);
    }
  });

  it('is refused under any other name, so that DNS rebinding does not work', async () => {
    for (const host of ['evil.example', 'localhost.evil.example:15000', '127.0.0.1.nip.io', '[evil]']) {
      const response = await askAs({ host });
      expect(response.status, host).toBe(403);
      expect(response.body).toContain('Host header');
    }
  });

  it('is refused without a Host, which HTTP/1.0 allows', async () => {
    const socket = connect(admin.port, '127.0.0.1');
    socket.end('GET /ready HTTP/1.0\r\n\r\n');
    let answer = '';
    for await (const chunk of socket.setEncoding('utf8')) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.[01] 403 /);
  });

  it('is refused to posts from other sites', async () => {
    const host = `127.0.0.1:${admin.port}`;
    for (const origin of ['https://evil.example', `http://127.0.0.1:${admin.port + 1}`, 'null', 'http://localhost']) {
      const response = await askAs({ host, origin }, 'POST', '/quitquitquit');
      expect(response.status, origin).toBe(403);
      expect(response.body).toContain('another site');
    }
    expect(source.actions).toEqual([]);
    expect((await askAs({ host, origin: `http://${host}` }, 'POST', '/drain_listeners')).status).toBe(200);
  });
});

describe('/ready', () => {
  it('is 503 with the state until the proxy is live', async () => {
    expect(await get('/ready')).toBe('LIVE\n');
    await admin.close();
    admin = await startAdmin({
      source: fakeAdminSource({ server: () => ({ ...SERVER, state: 'INITIALIZING' }) }),
      listen: LOCAL,
    });
    const response = await ask('/ready');
    expect([response.status, await response.text()]).toEqual([503, 'INITIALIZING\n']);
  });
});

describe('facts of the process', () => {
  it('/server_info has the version, state and uptime', async () => {
    expect(await getJson('/server_info')).toMatchObject({
      version: '0.1.0',
      state: 'LIVE',
      uptime_current_epoch: '65s',
      command_line_options: { threads: 2 },
      node: { id: SERVER.node.id, metadata: { NAMESPACE: 'istio-system' } },
    });
  });

  it('/memory has byte counts, /certs no certificate', async () => {
    expect(await getJson('/memory')).toMatchObject({ allocated: '20000000', total_physical_bytes: '90000000' });
    expect(await getJson('/certs')).toEqual({ certificates: [] });
  });

  it('/config_status has the problems of the last attempt', async () => {
    const problem = {
      severity: 'error' as const,
      code: 'bad-weight',
      message: 'weights must not be negative',
      hint: '',
      path: 'spec.http[0].route[0].weight',
      position: { file: 'mesh/a.yaml', line: 9, column: 7 },
    };
    await admin.close();
    const status = { ...CONFIG_STATUS, state: 'stale' as const, reason: 'bad-weight', problems: [problem] };
    admin = await startAdmin({ source: fakeAdminSource({ configStatus: () => status }), listen: LOCAL });
    expect(await getJson('/config_status')).toMatchObject({
      state: 'stale',
      reason: 'bad-weight',
      generation: 7,
      last_success: '2026-08-22T12:00:30.000Z',
      sources: ['mesh/'],
      problems: [problem],
    });
  });
});

describe('/stats', () => {
  it("has Envoy's names, sorted", async () => {
    const lines = (await get('/stats')).trimEnd().split('\n');
    expect(lines).toContain(`cluster.${REVIEWS_CLUSTER}.upstream_cx_total: 4`);
    expect(lines).toContain(`cluster.${REVIEWS_CLUSTER}.upstream_rq_5xx: 1`);
    expect(lines).toContain('server.state: 0');
    expect(lines).toContain('weft_config_reloads_total.result.failure: 1');
    const numbers = lines.filter((line) => !line.includes('B0.5('));
    expect(numbers).toEqual([...numbers].sort());
  });

  it('can be filtered by a part of the name and by use', async () => {
    expect(await get('/stats?filter=cx_connect_(fail|timeout)$')).toBe(
      `cluster.${REVIEWS_CLUSTER}.upstream_cx_connect_fail: 1\ncluster.${REVIEWS_CLUSTER}.upstream_cx_connect_timeout: 0\n`,
    );
    expect(await get('/stats?filter=cx_connect&usedonly')).toBe(
      `cluster.${REVIEWS_CLUSTER}.upstream_cx_connect_fail: 1\n`,
    );
  });

  it('prints histograms as cumulative buckets', async () => {
    const text = await get('/stats?filter=duration.*response_code.200');
    expect(text).toContain(': B0.5(0) B1(0) B5(1) B10(1) B25(1) B50(2) ');
    expect(text).toMatch(/Binfinity\(2\)\n$/);
  });

  it('gives JSON', async () => {
    const { stats } = await getJson<{ stats: object[] }>('/stats?format=json&filter=server.live');
    expect(stats).toEqual([{ name: 'server.live', value: 1 }, { histograms: [] }]);
  });

  it('gives a valid exposition, by both paths', async () => {
    for (const path of ['/stats/prometheus', '/stats?format=prometheus']) {
      const response = await ask(path);
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(parseExposition(await response.text()).get('istio_requests_total')?.samples).toHaveLength(3);
    }
  });

  it('says what is wrong with a parameter', async () => {
    for (const [query, reason] of [
      ['filter=(', 'filter is not a regular expression'],
      ['format=xml', 'format is "xml": it can be text, json, prometheus'],
      ['usedonly=maybe', 'usedonly is "maybe"'],
    ] as const) {
      const response = await ask(`/stats?${query}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(reason);
    }
  });
});

describe('/clusters, /listeners and /routes', () => {
  it("/clusters has Envoy's lines", async () => {
    const lines = (await get('/clusters')).trimEnd().split('\n');
    expect(lines).toContain(`${REVIEWS_CLUSTER}::default_priority::max_connections::10`);
    expect(lines).toContain(`${REVIEWS_CLUSTER}::10.0.0.1:9080::rq_total::3`);
    expect(lines).toContain(`${REVIEWS_CLUSTER}::10.0.0.1:9080::health_flags::healthy`);
    expect(lines).toContain(`${REVIEWS_CLUSTER}::[fd00::2]:9080::health_flags::/failed_eds_health`);
  });

  it('/clusters as JSON has the hosts with their health', async () => {
    const { cluster_statuses } = await getJson<{ cluster_statuses: object[] }>('/clusters?format=json');
    expect(cluster_statuses[0]).toMatchObject({
      name: REVIEWS_CLUSTER,
      host_statuses: [
        {
          address: { socket_address: { address: '10.0.0.1', port_value: 9080 } },
          health_status: { eds_health_status: 'HEALTHY' },
        },
        { health_status: { eds_health_status: 'UNHEALTHY' } },
      ],
    });
  });

  it('/listeners says what could not be bound', async () => {
    expect(await get('/listeners')).toBe(
      '0.0.0.0_8080::0.0.0.0:8080\n::_8443::[::]:8443 (not listening: address already in use )\n',
    );
    const { listener_statuses } = await getJson<{ listener_statuses: object[] }>('/listeners?format=json');
    expect(listener_statuses).toHaveLength(2);
  });

  it('/routes prints the table, and the model as JSON', async () => {
    expect(await get('/routes')).toContain('reviews.example');
    expect(await getJson('/routes?format=json')).toEqual(JSON.parse(JSON.stringify(MODEL)));
  });
});

describe('what changes something', () => {
  it('sets log levels as a whole and by component', async () => {
    expect(await (await post('/logging')).text()).toBe('active loggers:\n  level: info\n');
    await post('/logging?level=debug');
    expect(source.logger.isEnabled('pool', 'debug')).toBe(true);
    await post('/logging?paths=pool:error,dns:trace');
    expect(source.logger.isEnabled('pool', 'debug')).toBe(false);
    expect(await (await post('/logging?admin=off')).text()).toBe(
      'active loggers:\n  level: debug\n  pool: error\n  dns: trace\n  admin: off\n',
    );
  });

  it('sets no log level when one of them is wrong', async () => {
    const response = await post('/logging?paths=pool:debug,dns:loud');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('"loud" is not one of trace, debug');
    expect((await post('/logging?Bad=debug')).status).toBe(400);
    expect(source.logger.isEnabled('pool', 'debug')).toBe(false);
  });

  it('drains, and logs a drain that fails', async () => {
    expect(await (await post('/drain_listeners?graceful')).text()).toBe('OK\n');
    expect(source.actions).toEqual(['drain']);
    await admin.close();
    source = fakeAdminSource({ drain: () => Promise.reject(new Error('stuck')) });
    admin = await startAdmin({ source, listen: LOCAL });
    await post('/drain_listeners');
    await expect.poll(() => source.logLines.join('')).toContain('stuck');
  });

  it('quits after the answer has gone out', async () => {
    expect(await (await post('/quitquitquit')).text()).toBe('OK\n');
    await expect.poll(() => source.actions).toEqual(['quit']);
  });

  it('crashes the thread that was named, and only one that exists', async () => {
    expect((await post('/threads/1/crash')).status).toBe(200);
    const missing = await post('/threads/7/crash');
    expect([missing.status, await missing.text()]).toEqual([404, 'there is no thread 7\n']);
    expect(source.actions).toEqual(['crash 1']);
  });
});

describe('a bug in an endpoint', () => {
  it('gives 500, is logged, and the server lives on', async () => {
    await admin.close();
    source = fakeAdminSource({
      printRoutes: () => {
        throw new Error('broken table');
      },
    });
    admin = await startAdmin({ source, listen: LOCAL });
    expect((await ask('/routes')).status).toBe(500);
    expect(source.logLines.join('')).toContain('broken table');
    expect((await ask('/ready')).status).toBe(200);
  });
});
