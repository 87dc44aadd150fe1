// SPDX-License-Identifier: Apache-2.0
/**
 * The main thread of the data plane: one shared memory, N data-path threads, and the generations of tables that they use.
 * It carries no traffic itself.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { compileEngine, Engine } from '../engine/engine.js';
import { createEngineMemory, DEFAULT_CAPACITIES } from '../engine/memory-plan.js';
import { readStatistics } from '../engine/statistics-reader.js';
import type { StatisticsSnapshot, ThreadStatistics } from '../engine/statistics.js';
import type { Generation } from '../engine/table-store.js';
import { TableStore } from '../engine/table-store.js';
import { NO_CERTIFICATES } from '../model/certificate-set.js';
import type { CertificateSet } from '../model/certificate-set.js';
import type { EncodedTables } from '../rules/encoded-tables.js';
import { AccessLogWriter } from '../telemetry/access-log-writer.js';
import * as layout from '../../assembly/layout.js';
import { DataThread } from './data-thread.js';
import type { GenerationMessage } from './generation-view.js';
import { ListenerSlots } from './listener-slots.js';
import { canReusePort } from './fronts/wire-front.js';
import type { ListenerWish, PortSharing } from './messages.js';
import { threadFactsOf } from './thread-facts.js';
import type { BoundListener, Proxy, ProxyOptions, ProxyState, PublishResult } from './proxy.js';
import { loadCLibrary } from './c-library.js';
import { SharedPorts, whyNotBindable } from './shared-port.js';

/** A thread that ends this soon after its start counts as a failed start. */
const QUICK_DEATH_MS = 2000;
const QUICK_DEATHS_ALLOWED = 5;
/** How long a thread that met an error goes on for the requests it has begun, once its replacement serves. */
const LAST_REQUESTS_MS = 5000;
/** What TLS session tickets are sealed with is one secret of all threads, so that a session resumes on any of them. */
const TICKET_SECRET_BYTES = 32;
/** Whoever steals the secret can read the resumed sessions of this long (TLS 1.2), so it does not live for ever. */
const TICKET_SECRET_MS = 12 * 3_600_000;
/** How often generations that nobody uses any more are freed. */
const COLLECT_MS = 1000;

/** Starts the threads; nothing listens before the first publish. Rejects when the access log can't be opened. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const accessLog = options.accessLog
    ? await AccessLogWriter.open({
        path: options.accessLog.path,
        onError: (error) => options.logger.error('main', 'the access log cannot be written', { error: error.message }),
      })
    : undefined;
  const proxy = new RunningProxy(options, accessLog);
  await proxy.start();
  return proxy;
}

class RunningProxy implements Proxy {
  state: ProxyState = 'PRE_INITIALIZING';
  readonly #options: ProxyOptions;
  readonly #accessLog: AccessLogWriter | undefined;
  readonly #engine: Engine;
  readonly #store: TableStore;
  readonly #channel = `weft-${randomUUID()}`;
  readonly #threads: DataThread[] = [];
  readonly #restarts: number[] = [];
  readonly #freeSlabs: number[] = [];
  readonly #startedAtMs: number[] = [];
  readonly #collector: NodeJS.Timeout;
  readonly #sharedPorts: SharedPorts | null;
  readonly #portSharing: PortSharing;
  readonly #listenerSlots = new ListenerSlots(layout.LISTENER_CAPACITY);
  /** By the serial number of the generation. */
  readonly #certificates = new Map<number, CertificateSet>();
  readonly #ticketTimer: NodeJS.Timeout;
  #ticketSecret = randomBytes(TICKET_SECRET_BYTES);
  #quickDeaths = 0;
  #listeners: BoundListener[] = [];
  #publishing: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: ProxyOptions, accessLog: AccessLogWriter | undefined) {
    this.#options = options;
    this.#accessLog = accessLog;
    this.#sharedPorts = sharedPortsFor(options);
    this.#portSharing = this.#sharedPorts
      ? 'by-descriptor'
      : opensPortsInEachThread(options)
        ? 'by-each'
        : 'one-thread';
    // Twice the threads and some more: a dying thread keeps its slab while its replacement runs.
    const threads = options.threads * 2 + 4;
    this.#engine = new Engine(compileEngine(), createEngineMemory({ ...DEFAULT_CAPACITIES, threads }, options.limits));
    this.#store = new TableStore(this.#engine);
    for (let slab = threads - 1; slab >= 0; slab--) this.#freeSlabs.push(slab);
    this.#collector = setInterval(() => this.#collect(), COLLECT_MS);
    this.#collector.unref();
    this.#ticketTimer = setInterval(() => this.#rotateTickets(), TICKET_SECRET_MS);
    this.#ticketTimer.unref();
  }

  async start(): Promise<void> {
    this.state = 'INITIALIZING';
    for (let place = 0; place < this.#options.threads; place++) void this.#startThread(place);
    await Promise.all(this.#threads.map((thread) => thread.whenReady()));
  }

  publish(encoded: EncodedTables, certificates: CertificateSet): Promise<PublishResult> {
    // One at a time: the order of publishes is the order of generations.
    const result = this.#publishing.then(() => this.#publish(encoded, certificates));
    this.#publishing = result.catch(() => undefined);
    return result;
  }

  statistics(): StatisticsSnapshot {
    return readStatistics(this.#engine, this.#store, this.#threadStatistics(), this.#listenerSlots.all);
  }

  listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  reopenAccessLog(): Promise<void> {
    return this.#accessLog?.reopen() ?? Promise.resolve();
  }

  async drain(): Promise<void> {
    if (this.#stopped) return;
    this.state = 'DRAINING';
    this.#stopped = true;
    await this.#publishing;
    for (const thread of this.#threads) thread.drain(this.#options.drainMs);
    await this.#closePortsExcept(new Set());
    await this.#close();
  }

  async stop(): Promise<void> {
    this.state = 'DRAINING';
    this.#stopped = true;
    for (const thread of this.#threads) thread.stop();
    await this.#close();
  }

  crashThread(index: number): boolean {
    const thread = this.#threads.find((candidate) => candidate.place === index && candidate.state === 'running');
    thread?.crash();
    return thread !== undefined;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.whenEnded()));
    clearInterval(this.#collector);
    clearInterval(this.#ticketTimer);
    this.#sharedPorts?.closeExcept(new Set());
    await this.#accessLog?.close();
  }

  /** A number that is closed may be given to another socket at once, so no thread may still be about to duplicate it. */
  async #closePortsExcept(names: ReadonlySet<string>): Promise<void> {
    if (!this.#sharedPorts) return;
    await Promise.all(this.#threads.map((thread) => thread.whenListening()));
    this.#sharedPorts.closeExcept(names);
  }

  async #publish(encoded: EncodedTables, certificates: CertificateSet): Promise<PublishResult> {
    if (this.#stopped) return { ok: false, reason: 'the proxy is shutting down' };
    this.#collect();
    const prepared = this.#store.prepare(encoded);
    if (!prepared.ok) return prepared;
    const generation = prepared.generation;
    const wishes = await this.#probe(encoded);
    const refused = wishes.filter((wish) => wish.error !== undefined);
    // With no port to serve on, the tables are of no use; with some, the others are served and the rest is reported.
    if (refused.length > 0 && refused.length === wishes.length) {
      this.#store.discard(generation);
      return { ok: false, reason: refused.map((wish) => wish.error).join('; ') };
    }
    this.#certificates.set(generation.serial, certificates);
    const message = this.#messageOf(generation);
    await Promise.all(this.#threads.map((thread) => thread.addGeneration(message)));
    this.#store.activate(generation);
    for (const thread of this.#threads) thread.use(generation.slot);
    if (this.#areOpen(wishes)) {
      this.#collect();
      return { ok: true, generation: generation.serial };
    }
    // Known before anybody waits: a thread that starts meanwhile opens what stands here.
    this.#listeners = wishes;
    const failures = await Promise.all(this.#serving().map((thread) => thread.listen(this.#open())));
    await this.#closePortsExcept(new Set(wishes.map((wish) => wish.name)));
    const failed = new Map(failures.flat().map((failure) => [failure.name, failure.error]));
    this.#listeners = wishes.map((wish) => {
      const error = wish.error ?? failed.get(wish.name);
      const { name, address, port, needsWire } = wish;
      return { name, address, port, needsWire, ...(error === undefined ? {} : { error }) };
    });
    for (const listener of this.#listeners) {
      if (listener.error)
        this.#options.logger.error('config', 'a listener is not open', {
          listener: listener.name,
          error: listener.error,
        });
    }
    if (this.state === 'INITIALIZING') this.state = 'LIVE';
    this.#collect();
    return { ok: true, generation: generation.serial };
  }

  /** True when every thread has just these listeners open, or will open them as it starts. */
  #areOpen(wishes: readonly ListenerWish[]): boolean {
    if (wishes.length !== this.#listeners.length) return false;
    return this.#listeners.every(({ name, error }, index) => error === undefined && name === wishes[index]?.name);
  }

  /** Finds out whether new ports can be bound; threads share ports, so they would not notice another process on them. */
  async #probe(encoded: EncodedTables): Promise<(ListenerWish & { error?: string })[]> {
    const open = new Set(this.#listeners.filter((listener) => !listener.error).map((listener) => listener.name));
    return Promise.all(
      encoded.host.listeners.map(async ({ name, address, port }, index) => {
        const error = open.has(name) ? undefined : await this.#whyNotOpen(name, address, port);
        const slot = this.#listenerSlots.slotOf(name);
        const isBeyondUws = encoded.host.filterChains.some(
          ({ listener, tls, tcp }) => listener === index && (tls !== undefined || tcp !== undefined),
        );
        const needsWire = isBeyondUws || this.#options.limits?.expectsProxyHeader === true;
        return { name, address, port, slot, needsWire, ...(error === undefined ? {} : { error }) };
      }),
    );
  }

  #whyNotOpen(name: string, address: string, port: number): Promise<string | undefined> {
    if (this.#listenerSlots.slotOf(name) < 0)
      return Promise.resolve(`this process has had ${layout.LISTENER_CAPACITY} listeners and can't take more`);
    return this.#sharedPorts ? this.#sharedPorts.open(name, address, port) : whyNotBindable(address, port);
  }

  /** The listeners that a thread should have open. */
  #open(): ListenerWish[] {
    return this.#listeners
      .filter((listener) => !listener.error)
      .map(({ name, address, port, needsWire }) => {
        const descriptor = this.#sharedPorts?.descriptorOf(name);
        const slot = this.#listenerSlots.slotOf(name);
        return { name, address, port, slot, needsWire, ...(descriptor === undefined ? {} : { descriptor }) };
      });
  }

  /** Threads whose listeners are to fit; one that is just starting was told of those before. */
  #serving(): DataThread[] {
    return this.#threads.filter((thread) => thread.state === 'starting' || thread.state === 'running');
  }

  /** Resolves when the thread has its ports open, or never will. */
  async #startThread(place: number): Promise<void> {
    const slab = this.#freeSlabs.pop();
    if (slab === undefined) {
      this.#options.onFatal(new Error('data-path threads die faster than they can be replaced'));
      return;
    }
    const current = this.#store.current;
    const thread = new DataThread(
      place,
      {
        module: this.#engine.module,
        memory: this.#engine.memory,
        index: slab,
        place,
        front: this.#options.front,
        portSharing: this.#portSharing,
        channel: this.#channel,
        limits: this.#options.limits,
        exposeReasons: this.#options.exposeReasons,
        ...(this.#options.accessLog ? { accessLog: this.#options.accessLog.encoding } : {}),
        generations: this.#store.live().map((generation) => this.#messageOf(generation)),
        currentSlot: current?.slot ?? -1,
        ticketSecret: this.#ticketSecret,
      },
      this.#options.logger,
      {
        onDying: (dying) => this.#replace(dying),
        onEnd: (ended) => this.#release(ended),
        onAccessLog: (lines, count) => this.#accessLog?.write(lines, count),
      },
    );
    this.#threads.push(thread);
    this.#startedAtMs[thread.index] = performance.now();
    const open = this.#open();
    if (open.length > 0) await thread.listen(open);
  }

  /** Sessions of before take a full handshake more; no connection notices. */
  #rotateTickets(): void {
    this.#ticketSecret = randomBytes(TICKET_SECRET_BYTES);
    for (const thread of this.#threads) thread.setTicketSecret(this.#ticketSecret);
  }

  #replace(dying: DataThread): void {
    if (this.#stopped) return;
    this.#restarts[dying.place] = (this.#restarts[dying.place] ?? 0) + 1;
    const lived = performance.now() - (this.#startedAtMs[dying.index] ?? 0);
    this.#quickDeaths = lived < QUICK_DEATH_MS ? this.#quickDeaths + 1 : 0;
    if (this.#quickDeaths > QUICK_DEATHS_ALLOWED) {
      this.#options.onFatal(new Error('data-path threads die as soon as they start; see the log for why'));
      return;
    }
    void this.#startThread(dying.place).then(() => {
      dying.drain(LAST_REQUESTS_MS);
      this.#options.logger.info('main', 'the replacement of a data-path thread serves', { thread: dying.place });
    });
  }

  #release(ended: DataThread): void {
    this.#threads.splice(this.#threads.indexOf(ended), 1);
    this.#engine.attach(ended.index);
    const released = this.#engine.exports.releaseThread();
    const slab = this.#engine.slab >> 2;
    this.#engine.words[slab + layout.SLAB_ACTIVE_EXCHANGES / 4] = 0;
    this.#engine.words[slab + layout.SLAB_ACTIVE_CONNECTIONS / 4] = 0;
    this.#engine.words[slab + layout.SLAB_CLIENT_CONNECTIONS / 4] = 0;
    this.#freeSlabs.push(ended.index);
    if (released > 0)
      this.#options.logger.warning('main', 'requests were lost with a thread', {
        thread: ended.index,
        requests: released,
      });
  }

  #messageOf(generation: Generation): GenerationMessage {
    const { slot, serial, base, encoded } = generation;
    const certificates = this.#certificates.get(serial) ?? NO_CERTIFICATES;
    return { slot, serial, base, facts: threadFactsOf(encoded.host), certificates };
  }

  #collect(): void {
    for (const generation of this.#store.collect()) {
      this.#certificates.delete(generation.serial);
      for (const thread of this.#threads) thread.retire(generation.slot, generation.serial);
    }
  }

  /** One row per place: what a replaced thread still has under way is added to its replacement's. */
  #threadStatistics(): ThreadStatistics[] {
    const rows = new Map<number, ThreadStatistics>();
    for (const { place, index, state } of this.#threads) {
      const slabs = this.#engine.control(layout.CONTROL_SLABS);
      const slab = (slabs + index * this.#engine.control(layout.CONTROL_SLAB_SIZE)) >> 2;
      const before = rows.get(place);
      rows.set(place, {
        index: place,
        state,
        restarts: this.#restarts[place] ?? 0,
        activeRequests:
          (before?.activeRequests ?? 0) + (this.#engine.words[slab + layout.SLAB_ACTIVE_EXCHANGES / 4] ?? 0),
        upstreamConnections:
          (before?.upstreamConnections ?? 0) + (this.#engine.words[slab + layout.SLAB_ACTIVE_CONNECTIONS / 4] ?? 0),
      });
    }
    return [...rows.values()].sort((left, right) => left.index - right.index);
  }
}

function opensPortsInEachThread(options: ProxyOptions): boolean {
  return options.front === 'uws' || canReusePort();
}

/** Null where each thread opens ports by itself, and where sockets can't be duplicated. */
function sharedPortsFor(options: ProxyOptions): SharedPorts | null {
  if (opensPortsInEachThread(options)) return null;
  const loaded = loadCLibrary();
  if (loaded.ok) return new SharedPorts(loaded.calls);
  options.logger.warning('main', 'one thread alone serves each port: this release of Node.js can not share them', {
    node: process.version,
    reason: loaded.reason,
  });
  return null;
}
