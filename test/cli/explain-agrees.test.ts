// SPDX-License-Identifier: Apache-2.0
/** What `weft explain` says of a request is what the proxy then does with it, over generated rules and requests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Explanation } from '../../src/cli/explanation.js';
import type * as ExplanationModule from '../../src/cli/explanation.js';
import type * as ProbeModule from '../../src/control/explain-request.js';
import type * as PipelineModule from '../../src/control/pipeline.js';
import { FastUpstream } from '../support/fast-upstream.js';
import { eventually, startGateway } from '../support/gateway.js';
import { gateway, service, virtualService } from '../support/istio-yaml.js';
import { RandomSource } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';
import type { ReadResponse } from '../support/raw-client.js';
import type { GeneratedRequest } from '../support/traffic-generator.js';
import { EXACT_HOSTS, generateRequest, generateRoutes, WILDCARD_HOST } from '../support/traffic-generator.js';

const REQUEST_COUNT = 1000;
const SEED = 20261122;
const SERVICES = ['a.svc.test', 'b.svc.test', 'empty.svc.test', 'missing.svc.test'];

/** The built package, whose engine lies where it looks for it. */
function built<Module>(path: string): Promise<Module> {
  return import(new URL(`../../dist/src/${path}`, import.meta.url).href) as Promise<Module>;
}

/** What can be told of a request from outside; empty strings where nothing applies. */
interface Outcome {
  readonly status: number;
  readonly route: string;
  readonly cluster: string;
  readonly flags: string;
}

function configOf(random: RandomSource, upstreams: readonly FastUpstream[]): string[] {
  const hosts = [...EXACT_HOSTS, WILDCARD_HOST];
  const rules = hosts.map((host, index) => virtualService(host, generateRoutes(random, `host${index}`, 40, SERVICES)));
  const services = upstreams.map(({ port }, index) => service(SERVICES[index] ?? '', [{ port }]));
  // A wildcard is no resource name.
  return [gateway(), ...services, service('empty.svc.test', []), ...rules].map((text) =>
    text.replace('name: "*-', 'name: "any-').replace('name: "*', 'name: "any'),
  );
}

async function explainer(config: readonly string[]): Promise<(request: GeneratedRequest) => Explanation> {
  const [{ compilePaths }, { RequestProbe }, { explanationOf }] = await Promise.all([
    built<typeof PipelineModule>('control/pipeline.js'),
    built<typeof ProbeModule>('control/explain-request.js'),
    built<typeof ExplanationModule>('cli/explanation.js'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'weft-explain-'));
  await writeFile(join(folder, 'config.yaml'), config.join('---\n'));
  const labels = { istio: 'ingressgateway' };
  const node = { role: 'gateway', namespace: 'default', labels, listenMap: new Map(), bind: '127.0.0.1' } as const;
  const { encoded, model, problems } = await compilePaths([folder], node, () => undefined);
  await rm(folder, { recursive: true });
  expect(problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([]);
  const probe = new RequestProbe(encoded);
  return (request) => explanationOf(request, probe.explain(request, 0), encoded.host, model);
}

/** What the explanation promises. */
function promised(explanation: Explanation): Outcome {
  const route = explanation.route?.name ?? '';
  if (explanation.outcome === 'not-found') return { status: 404, route, cluster: '', flags: 'NR' };
  if (explanation.outcome !== 'forward') return { status: explanation.status ?? 0, route, cluster: '', flags: '-' };
  const taken = explanation.clusters?.find(({ percent }) => percent === 100);
  const cluster = taken?.name ?? '';
  const abort = explanation.fault?.abort;
  if (abort && abort.perMillion === 1_000_000) return { status: abort.status, route, cluster, flags: 'FI' };
  // A cluster that does not exist is in no log line (Envoy's %UPSTREAM_CLUSTER%).
  if (taken?.state === 'missing') return { status: 503, route, cluster: '', flags: 'NC' };
  if (taken?.state !== 'ok') return { status: 503, route, cluster, flags: 'UH' };
  return { status: 200, route, cluster, flags: '-' };
}

/** What happened, by the access log; the response must say the same. */
function happened(line: Record<string, unknown>, response: ReadResponse): Outcome {
  expect(response.status).toBe(line['response_code']);
  const text = (field: string): string => (typeof line[field] === 'string' ? line[field] : '').replace(/;$/, '');
  return {
    status: response.status,
    route: text('route_name'),
    cluster: text('upstream_cluster'),
    flags: text('response_flags'),
  };
}

it(`explain and the proxy agree on ${REQUEST_COUNT} requests`, async () => {
  const random = new RandomSource(SEED);
  const upstreams = await Promise.all(['a', 'b'].map((name) => FastUpstream.start(name)));
  const config = configOf(random, upstreams);
  const explain = await explainer(config);
  const proxy = await startGateway({ config, accessLog: 'JSON' });
  try {
    const requests = Array.from({ length: REQUEST_COUNT }, (_, index) => generateRequest(random, `mark=${index}.`));
    const responses: ReadResponse[] = [];
    let client = await RawClient.connect(proxy.port);
    for (const { method, authority, target, headers } of requests) {
      client.request(method, authority, target, headers.map(({ name, value }) => `${name}: ${value}\r\n`).join(''));
      const response = await client.read(method);
      responses.push(response);
      if (response.get('connection') === 'close') client = await RawClient.connect(proxy.port);
    }
    client.close();
    const lines = await eventually('all requests are in the access log', async () => {
      const all = await proxy.accessLog();
      return all.length >= REQUEST_COUNT ? all.map((line) => JSON.parse(line) as Record<string, unknown>) : undefined;
    });
    const byMark = new Map(lines.map((line) => [/mark=(\d+)\./.exec(String(line['path']))?.[1], line]));
    const outcomes = new Map<string, number>();
    requests.forEach((request, index) => {
      const explanation = explain(request);
      const response = responses[index] as ReadResponse;
      expect({ request, ...happened(byMark.get(String(index)) ?? {}, response) }).toEqual({
        request,
        ...promised(explanation),
      });
      if (response.get('x-route') !== undefined) expect(response.get('x-route')).toBe(explanation.route?.name);
      const kind = `${explanation.outcome} ${response.status}`;
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    });
    // Every kind of outcome came up, so that agreement means something.
    for (const kind of ['forward 200', 'forward 503', 'forward 451', 'not-found 404', 'direct-response 200']) {
      expect(outcomes.get(kind) ?? 0).toBeGreaterThan(0);
    }
    expect([...outcomes.keys()].filter((kind) => kind.startsWith('redirect')).length).toBeGreaterThan(1);
  } finally {
    await proxy.stop();
    await Promise.all(upstreams.map((upstream) => upstream.kill()));
  }
}, 60_000);
