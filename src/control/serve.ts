// SPDX-License-Identifier: Apache-2.0
/**
 * Settings -> a running proxy with its control loop and its admin, status and metrics servers. The servers come up before
 * the configuration is read, so that probes are answered from the start; readiness follows the proxy's state. A start that
 * fails undoes itself and says why in one line.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { startAdmin } from '../admin/admin-server.js';
import { startMetricsServer, startStatusServer } from '../admin/probe-servers.js';
import type { AdminSource } from '../admin/admin-source.js';
import type { RunningServer } from '../admin/http-server.js';
import type { ClientLimits } from '../engine/client-limits.js';
import { printModel } from '../lower/print-model.js';
import type { ProxyNode, ReadEnvironment } from '../lower/proxy-node.js';
import { returnLargeBlocks } from '../proxy/c-library.js';
import type { AccessLogOptions, Proxy } from '../proxy/proxy.js';
import { startProxy } from '../proxy/start-proxy.js';
import type { Logger } from '../telemetry/log.js';
import type { NodeFacts, ServerFacts } from '../telemetry/server-facts.js';
import { ConfigSource } from './config-source.js';
import { Controller } from './controller.js';
import { HeapTrimmer } from './heap-trimmer.js';
import { lastGoodPath, readRules } from './rules-file.js';

export interface ServeOptions {
  /** Configuration paths, or a file of tables. */
  readonly source: { readonly paths: readonly string[] } | { readonly rulesFile: string };
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly node: ProxyNode;
  readonly threads: number;
  readonly front: 'auto' | 'uws' | 'wire';
  readonly drainMs: number;
  readonly limits: ClientLimits;
  readonly admin: { readonly address: string; readonly port: number };
  /** Address of the status and metrics ports; a port of -1 leaves the server out. */
  readonly probeAddress: string;
  readonly statusPort: number;
  readonly metricsPort: number;
  readonly accessLog: AccessLogOptions | undefined;
  readonly exposeReasons: boolean;
  readonly stateDir: string | undefined;
  readonly logger: Logger;
  readonly version: string;
  readonly readEnvironment: ReadEnvironment;
  /** For /server_info. */
  readonly commandLine: Readonly<Record<string, string | number | boolean>>;
  /** The process can't go on, or was asked by admin to end. */
  onExit(reason: Error | undefined): void;
}

export interface Service {
  readonly proxy: Proxy;
  readonly admin: RunningServer;
  /** Reads the configuration again and reopens the access log. */
  reload(): Promise<void>;
  /** Readiness fails at once; resolves when requests in flight are done or the drain time is over. */
  drain(): Promise<void>;
  /** Closes everything now. */
  stop(): Promise<void>;
}

/** The service can't start as asked; `message` is one line for the person who asked. */
export class StartError extends Error {}

export async function serve(options: ServeOptions): Promise<Service> {
  await checkSource(options);
  returnLargeBlocks();
  const service = new RunningService(options);
  try {
    await service.start();
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

/** What is plainly not there is said before anything starts, unless kept tables can stand in. */
async function checkSource({ source, stateDir }: ServeOptions): Promise<void> {
  if (stateDir !== undefined && (await isReadable(lastGoodPath(stateDir)))) return;
  const paths = 'paths' in source ? source.paths : [source.rulesFile];
  for (const path of paths) {
    if (path !== '-' && !(await isReadable(path)))
      throw new StartError(`cannot read ${path}: no such file, or not allowed`);
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

class RunningService implements Service {
  readonly #options: ServeOptions;
  readonly #startedAtMs = Date.now();
  readonly #closers: (() => Promise<void> | void)[] = [];
  readonly #trimmer = new HeapTrimmer();
  #proxy: Proxy | undefined;
  #controller: Controller | undefined;
  #source: ConfigSource | undefined;
  #admin: RunningServer | undefined;
  #draining: Promise<void> | undefined;

  constructor(options: ServeOptions) {
    this.#options = options;
  }

  get proxy(): Proxy {
    if (this.#proxy === undefined) throw new Error('not started');
    return this.#proxy;
  }

  get admin(): RunningServer {
    if (this.#admin === undefined) throw new Error('not started');
    return this.#admin;
  }

  get #control(): Controller {
    if (this.#controller === undefined) throw new Error('not started');
    return this.#controller;
  }

  async start(): Promise<void> {
    const options = this.#options;
    const { threads, front, drainMs, limits, accessLog, exposeReasons, logger, node, readEnvironment, stateDir } =
      options;
    const proxy = await startProxy({
      threads,
      front,
      drainMs,
      limits,
      exposeReasons,
      logger,
      onFatal: (error) => options.onExit(error),
      ...(accessLog === undefined ? {} : { accessLog }),
    });
    this.#proxy = proxy;
    this.#closers.push(() => proxy.stop());
    const controller = new Controller({
      node,
      proxy,
      logger,
      readEnvironment,
      stateDir,
      sourceName: this.#sourceName(),
    });
    this.#controller = controller;
    this.#closers.push(() => controller.close());
    this.#closers.push(() => this.#trimmer.close());
    await this.#startServers();
    await this.#startSource(controller);
    this.#checkStarted(proxy, controller);
  }

  async reload(): Promise<void> {
    await this.proxy.reopenAccessLog();
    if (this.#source !== undefined) await this.#source.reload();
    else await this.#applyRulesFile(this.#control);
  }

  drain(): Promise<void> {
    this.#draining ??= (async () => {
      await this.#source?.close();
      await this.proxy.drain();
    })();
    return this.#draining;
  }

  async stop(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async #startServers(): Promise<void> {
    const { admin, probeAddress, statusPort, metricsPort } = this.#options;
    const source = this.#adminSource();
    const started: RunningServer[] = [];
    this.#closers.push(async () => {
      await Promise.all(started.map((server) => server.close()));
    });
    this.#admin = await startAdmin({ source, listen: admin });
    started.push(this.#admin);
    if (statusPort >= 0)
      started.push(await startStatusServer({ source, listen: { address: probeAddress, port: statusPort } }));
    if (metricsPort >= 0)
      started.push(await startMetricsServer({ source, listen: { address: probeAddress, port: metricsPort } }));
  }

  async #startSource(controller: Controller): Promise<void> {
    const { source, stdin, logger } = this.#options;
    if ('rulesFile' in source) {
      await this.#applyRulesFile(controller);
      return;
    }
    this.#source = new ConfigSource({
      paths: source.paths,
      stdin,
      onUpdate: async (update) => {
        await controller.apply(update);
        this.#trimmer.onChange();
      },
      onError: (error) => logger.error('config', 'the configuration source failed', { error: String(error) }),
    });
    const started = this.#source;
    this.#closers.push(() => started.close());
    await started.start();
  }

  async #applyRulesFile(controller: Controller): Promise<void> {
    const { source, stateDir, logger } = this.#options;
    if (!('rulesFile' in source)) return;
    const read = await readRules(source.rulesFile);
    if (read.ok) {
      await controller.applyTables(read.encoded, read.secrets, '');
      this.#trimmer.onChange();
      return;
    }
    // Only at the start is there nothing in force yet that would be better than older tables.
    const isFirst = controller.status().generation === 0;
    const kept = isFirst && stateDir !== undefined ? await readRules(lastGoodPath(stateDir)) : undefined;
    if (kept?.ok === true)
      await controller.applyTables(kept.encoded, kept.secrets, `runs on the last good tables: ${read.reason}`);
    else if (isFirst) throw new StartError(read.reason);
    else logger.error('control', 'the rules file was not applied', { reason: read.reason });
  }

  /** Later a port that can't be bound is a line in the log; at the start the person is still looking. */
  #checkStarted(proxy: Proxy, controller: Controller): void {
    const { generation, reason } = controller.status();
    if (generation === 0) throw new StartError(reason);
    for (const { address, port, error } of proxy.listeners()) {
      if (error !== undefined) throw new StartError(`cannot listen on ${address}:${port}: ${error}`);
    }
  }

  #sourceName(): string {
    const { source } = this.#options;
    return 'paths' in source ? source.paths.join(' ') : source.rulesFile;
  }

  #adminSource(): AdminSource {
    const { logger, commandLine, source } = this.#options;
    const proxy = this.proxy;
    const controller = this.#control;
    return {
      logger,
      commandLineOptions: () => commandLine,
      model: () => controller.model(),
      host: () => controller.host(),
      configStatus: () => ({
        ...controller.status(),
        sources: 'paths' in source ? source.paths : [source.rulesFile],
      }),
      statistics: () => proxy.statistics(),
      server: () => this.#serverFacts(),
      listeners: () => proxy.listeners(),
      printRoutes: () => {
        const model = controller.model();
        return model === undefined ? '' : printModel(model);
      },
      drain: () => this.drain(),
      quit: () => this.#options.onExit(undefined),
      crashThread: (index) => proxy.crashThread(index),
    };
  }

  #serverFacts(): ServerFacts {
    const { version, node } = this.#options;
    const { proxy } = this;
    return {
      version,
      state: this.#draining === undefined ? proxy.state : 'DRAINING',
      startedAtMs: this.#startedAtMs,
      nowMs: Date.now(),
      node: nodeFacts(node),
      memory: process.memoryUsage(),
      config: this.#control.status(),
      activeListeners: proxy.listeners().filter(({ error }) => error === undefined).length,
    };
  }
}

/** The proxy's own workload for Istio's source labels, from the labels that Istio's telemetry reads too. */
function nodeFacts({ role, namespace, labels, domain = 'cluster.local' }: ProxyNode): NodeFacts {
  const app = labels['app'] ?? labels['app.kubernetes.io/name'] ?? labels['istio'] ?? 'unknown';
  const version = labels['version'] ?? labels['app.kubernetes.io/version'] ?? 'unknown';
  const name = hostname();
  return {
    id: `${role === 'gateway' ? 'router' : 'sidecar'}~0.0.0.0~${name}.${namespace}~${namespace}.svc.${domain}`,
    workload: name,
    namespace,
    app,
    version,
    canonicalService: labels['service.istio.io/canonical-name'] ?? app,
    canonicalRevision: labels['service.istio.io/canonical-revision'] ?? (version === 'unknown' ? 'latest' : version),
    principal: 'unknown',
    clusterId: 'Kubernetes',
  };
}
