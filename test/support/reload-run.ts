// SPDX-License-Identifier: Apache-2.0
/**
 * Full load while the YAML is rewritten again and again: weights shift, routes and endpoints come and go, files are replaced
 * by rename or written in place, and now and then they are bad. Returns what the clients saw.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FastUpstream } from './fast-upstream.js';
import type { Gateway } from './gateway.js';
import { eventually, startGateway } from './gateway.js';
import { destinationRule, gateway, service, to, virtualService } from './istio-yaml.js';
import type { LoadReport } from './load.js';
import { Load } from './load.js';

const HOST = 'shop.example';

export interface ReloadOutcome {
  readonly report: LoadReport;
  /** Time from the file's change until /config_status told of the new generation, ms; one per rewrite. */
  readonly liveAfterMs: readonly number[];
  readonly badRewrites: readonly BadRewrite[];
  readonly generation: number;
  readonly reloads: { readonly success: number; readonly failure: number };
}

/** What was seen after a bad rewrite. */
export interface BadRewrite {
  readonly generationBefore: number;
  readonly generationAfter: number;
  readonly state: string;
  readonly problemCount: number;
  readonly staleMetric: number;
}

interface ConfigStatus {
  readonly state: string;
  readonly generation: number;
  readonly attempts: number;
  readonly problems: readonly unknown[];
}

/** Rules number `version`; every third set has an endpoint less, every second a route more, and weights move all the time. */
function rulesOf(version: number, upstreams: readonly FastUpstream[]): string[] {
  const places = upstreams.map(({ port }, index) => ({ port, labels: { version: `v${index % 2}` } }));
  const endpoints = version % 3 === 0 ? places.slice(0, -1) : places;
  const mark = { headers: { response: { set: { 'x-rules': String(version) } } } };
  const share = (version * 17) % 101;
  const routes = [
    ...(version % 2 === 0
      ? [{ name: `extra-${version}`, match: [{ uri: { prefix: '/extra' } }], ...mark, route: [to(HOST, 'v1')] }]
      : []),
    {
      name: `rules-${version}`,
      ...mark,
      route: [
        { ...to(HOST, 'v0'), weight: share },
        { ...to(HOST, 'v1'), weight: 100 - share },
      ],
    },
  ];
  const subsets = ['v0', 'v1'].map((name) => ({ name, labels: { version: name } }));
  return [gateway(), service(HOST, endpoints), destinationRule(HOST, { subsets }), virtualService(HOST, routes)];
}

async function statusOf(proxy: Gateway): Promise<ConfigStatus> {
  return (await (await fetch(`${proxy.adminUrl}/config_status`)).json()) as ConfigStatus;
}

/** Even numbers replace the file by rename, as editors and ConfigMaps do; odd ones write it in place. */
async function rewrite(proxy: Gateway, text: string, version: number): Promise<void> {
  if (version % 2 === 1) {
    await writeFile(proxy.configFile, text);
    return;
  }
  const beside = `${proxy.configFile}.new`;
  await writeFile(beside, text);
  await rename(beside, proxy.configFile);
}

async function rewriteBadly(proxy: Gateway, version: number): Promise<BadRewrite> {
  const before = await statusOf(proxy);
  const good = await readFile(proxy.configFile, 'utf8');
  // In turn a value that no rule allows, and text that is no YAML.
  const bad = version % 20 === 5 ? good.replace('weight: ', 'weight: -') : good.replace('spec:', 'spec: [');
  await rewrite(proxy, bad, version);
  const after = await eventually('the bad rewrite was looked at', async () => {
    const status = await statusOf(proxy);
    return status.attempts > before.attempts ? status : undefined;
  });
  return {
    generationBefore: before.generation,
    generationAfter: after.generation,
    state: after.state,
    problemCount: after.problems.length,
    staleMetric: (await proxy.metrics()).sum('weft_config_stale'),
  };
}

/** Runs `rewrites` rewrites over `durationMs`, every tenth preceded by a bad one. */
export async function runReloads(options: {
  readonly rewrites: number;
  readonly durationMs: number;
  readonly connections: number;
  readonly threads: number;
}): Promise<ReloadOutcome> {
  const upstreams = await Promise.all(['a', 'b', 'c', 'd'].map((name) => FastUpstream.start(name)));
  const proxy = await startGateway({ config: rulesOf(0, upstreams), threads: options.threads });
  const { connections } = options;
  const load = new Load({ port: proxy.port, host: HOST, connections, targets: ['/', '/extra/1'] });
  try {
    const liveAfterMs: number[] = [];
    const badRewrites: BadRewrite[] = [];
    const startedMs = performance.now();
    for (let version = 1; version <= options.rewrites; version++) {
      await sleep(Math.max(0, startedMs + (version * options.durationMs) / options.rewrites - performance.now()));
      if (version % 10 === 5) badRewrites.push(await rewriteBadly(proxy, version));
      const { generation } = await statusOf(proxy);
      const changedAtMs = performance.now();
      await rewrite(proxy, rulesOf(version, upstreams).join('---\n'), version);
      await eventually(`rules ${version} are live`, async () => {
        const status = await statusOf(proxy);
        return status.generation > generation && status.state === 'ok' ? true : undefined;
      });
      liveAfterMs.push(performance.now() - changedAtMs);
      load.rulesAreLive(version);
    }
    await sleep(200);
    const report = await load.stop();
    const metrics = await proxy.metrics();
    const reloads = (result: string): number => metrics.sum('weft_config_reloads_total', { result });
    return {
      report,
      liveAfterMs,
      badRewrites,
      generation: (await statusOf(proxy)).generation,
      reloads: { success: reloads('success'), failure: reloads('failure') },
    };
  } finally {
    await proxy.stop();
    await Promise.all(upstreams.map((upstream) => upstream.kill()));
  }
}
