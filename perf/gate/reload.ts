// SPDX-License-Identifier: Apache-2.0
/**
 * Changed resources -> milliseconds until their generation is published, among 10,000 routes and two data-path threads: once
 * with every route changed, once with the address of one endpoint. The way is the running proxy's own (the controller), so
 * whatever it learns to skip shows here; the stages are timed beside it, to say where the time goes.
 */
import { Controller } from '../../src/control/controller.js';
import { lower } from '../../src/lower/lower.js';
import type { ProxyNode } from '../../src/lower/proxy-node.js';
import { buildMesh } from '../../src/mesh/build-mesh.js';
import { NO_CERTIFICATES } from '../../src/model/certificate-set.js';
import type { Proxy } from '../../src/proxy/proxy.js';
import { DEFAULT_CLIENT_LIMITS } from '../../src/engine/client-limits.js';
import { startProxy } from '../../src/proxy/start-proxy.js';
import { checkReferences } from '../../src/resources/check-references.js';
import { LoadCache, loadTexts } from '../../src/resources/load-resources.js';
import type { KnownResource } from '../../src/resources/types.js';
import { encodeTables } from '../../src/rules/encode.js';
import { Logger } from '../../src/telemetry/log.js';
import { slowdownOf, timeCalibrationWork } from './calibrate.js';
import { GATEWAY_PORT, ROUTES_PER_SERVICE, rulesYaml, serviceYaml } from './mesh-yaml.js';
import { freePort } from './weft-process.js';

/**
 * All in ms, but for `slowdown` (see calibrate.ts), which is of the same seconds. Each is the best of a few: neighbours on the
 * machine and collections can only add to what the work itself takes.
 */
export interface ReloadFigures {
  /** The first configuration after the start: code is cold, listeners are opened. */
  readonly firstMs: number;
  readonly allRoutesMs: number;
  readonly oneEndpointMs: number;
  /** Parsing and validating YAML, which comes before: all of it, and with one file changed. */
  readonly loadAllMs: number;
  readonly loadOneMs: number;
  /** Of 10,000 routes, warm. */
  readonly stages: Readonly<Record<Stage, number>>;
  readonly slowdown: number;
}

export type Stage = 'mesh' | 'lower' | 'check references' | 'encode' | 'publish';

const ROUTES = 10_000;
const THREADS = 2;
const FULL_RELOADS = 4;
const ENDPOINT_RELOADS = 9;
const STAGE_PASSES = 3;

/** Takes about fifteen seconds, most of it for making YAML into resources. Rejects when a configuration is refused. */
export async function measureReload(): Promise<ReloadFigures> {
  const node: ProxyNode = {
    role: 'gateway',
    namespace: 'default',
    labels: { istio: 'ingressgateway' },
    bind: '127.0.0.1',
    listenMap: new Map([[GATEWAY_PORT, await freePort()]]),
  };
  const logger = new Logger('off');
  const onFatal = (error: Error): void => {
    throw error;
  };
  const proxy = await startProxy({
    threads: THREADS,
    front: 'auto',
    drainMs: 0,
    limits: DEFAULT_CLIENT_LIMITS,
    exposeReasons: false,
    logger,
    onFatal,
  });
  const readEnvironment = (): undefined => undefined;
  const controller = new Controller({ node, proxy, logger, readEnvironment, sourceName: 'gate' });
  try {
    return await new Reloads(proxy, controller, node).measure();
  } finally {
    controller.close();
    await proxy.stop();
  }
}

class Reloads {
  readonly #proxy: Proxy;
  readonly #controller: Controller;
  readonly #node: ProxyNode;
  readonly #cache = new LoadCache();
  readonly #rules = [
    rulesYaml(ROUTES / ROUTES_PER_SERVICE, '/api'),
    rulesYaml(ROUTES / ROUTES_PER_SERVICE, '/changed'),
  ];
  readonly #calibrationMs: number[] = [];
  #version = 0;

  constructor(proxy: Proxy, controller: Controller, node: ProxyNode) {
    this.#proxy = proxy;
    this.#controller = controller;
    this.#node = node;
  }

  async measure(): Promise<ReloadFigures> {
    const first = await this.#reload(0, 0);
    const all: Reload[] = [];
    for (let index = 1; index <= FULL_RELOADS; index++) all.push(await this.#reload(index % 2, 0));
    const one: Reload[] = [];
    for (let index = 1; index <= ENDPOINT_RELOADS; index++) one.push(await this.#reload(0, index));
    const stages = await this.#timeStages();
    return {
      firstMs: first.applyMs,
      allRoutesMs: Math.min(...all.map(({ applyMs }) => applyMs)),
      oneEndpointMs: Math.min(...one.map(({ applyMs }) => applyMs)),
      loadAllMs: Math.min(...all.map(({ loadMs }) => loadMs)),
      loadOneMs: Math.min(...one.map(({ loadMs }) => loadMs)),
      stages,
      slowdown: slowdownOf(this.#calibrationMs.slice(2)),
    };
  }

  /** Throws unless exactly this configuration is in force afterwards. */
  async #reload(rules: number, endpoint: number): Promise<Reload> {
    const loadStartedMs = performance.now();
    const resources = this.#load(rules, endpoint);
    const loadMs = performance.now() - loadStartedMs;
    const generation = this.#controller.status().generation;
    const startedMs = performance.now();
    await this.#controller.apply({ resources, problems: [], kept: [], contentHash: String(this.#version++) });
    const applyMs = performance.now() - startedMs;
    const status = this.#controller.status();
    const routes = this.#controller.host()?.routes.length;
    if (status.state !== 'ok' || status.generation <= generation || routes !== ROUTES) {
      throw new Error(`generation ${status.generation} with ${routes} routes is ${status.state}: ${status.reason}`);
    }
    this.#calibrationMs.push(timeCalibrationWork());
    // The next reload begins in its own turn of the event loop, as that of a running proxy does.
    await new Promise((resolve) => setImmediate(resolve));
    return { loadMs, applyMs };
  }

  #load(rules: number, endpoint: number): readonly KnownResource[] {
    const sources = [
      { file: 'rules.yaml', text: this.#rules[rules] ?? '' },
      { file: 'service.yaml', text: serviceYaml(`127.0.0.${1 + endpoint}`, 9) },
    ];
    const { resources, problems } = loadTexts(sources, this.#cache);
    if (problems.length > 0) throw new Error(problems[0]?.message);
    return resources;
  }

  async #timeStages(): Promise<Record<Stage, number>> {
    const times: Record<Stage, number[]> = { mesh: [], lower: [], 'check references': [], encode: [], publish: [] };
    const timed = async <Result>(stage: Stage, run: () => Result | Promise<Result>): Promise<Result> => {
      const startedMs = performance.now();
      const result = await run();
      times[stage].push(performance.now() - startedMs);
      return result;
    };
    for (let pass = 0; pass < STAGE_PASSES; pass++) {
      const resources = this.#load(0, 100 + pass);
      const mesh = await timed('mesh', () => buildMesh(resources));
      const { model } = await timed('lower', () => lower(mesh, this.#node, () => undefined));
      await timed('check references', () => checkReferences(resources));
      const encoded = await timed('encode', () => encodeTables(model));
      const result = await timed('publish', () => this.#proxy.publish(encoded, NO_CERTIFICATES));
      if (!result.ok) throw new Error(result.reason);
    }
    return {
      mesh: Math.min(...times.mesh),
      lower: Math.min(...times.lower),
      'check references': Math.min(...times['check references']),
      encode: Math.min(...times.encode),
      publish: Math.min(...times.publish),
    };
  }
}

interface Reload {
  readonly loadMs: number;
  readonly applyMs: number;
}
