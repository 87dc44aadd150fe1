// SPDX-License-Identifier: Apache-2.0
/**
 * A thread's upstream connections: idle ones by endpoint, and the requests that wait because their cluster may have no
 * more connections. Limits are the process's, connections are the thread's: a thread that needs a place asks the others
 * to give up an idle connection, and hands its own on when somebody elsewhere waits.
 */
import * as layout from '../../assembly/layout.js';
import type {
  CapacityMessage,
  ConnectionPools,
  PooledConnection,
  RequestExchange,
  ThreadContext,
} from './contracts.js';
import type { GenerationView } from './generation-view.js';
import { UpstreamConnection } from './upstream-connection.js';
import type { UpstreamTransport } from './upstream-transport.js';

/** An eighth of the records is for connections to endpoints only: clients that take all others must still be served. */
const UPSTREAM_SHARE_SHIFT = 3;

export class UpstreamPools implements ConnectionPools {
  readonly #path: ThreadContext;
  /** By endpoint slot; the connection used last is taken first, so that surplus ones get old and close. */
  readonly #idle = new Map<number, PooledConnection[]>();
  /** By cluster slot, in order of arrival. */
  readonly #waiting = new Map<number, RequestExchange[]>();
  readonly #all = new Set<PooledConnection>();
  readonly #freeIndices: number[] = [];
  /** Records that clients can't have. */
  readonly #upstreamShare: number;
  #liveEndpoints: ReadonlySet<number> | null = null;
  #current: GenerationView | null = null;
  #serving = false;

  constructor(path: ThreadContext) {
    this.#path = path;
    const capacity = path.engine.control(layout.CONTROL_CONNECTION_CAPACITY);
    this.#upstreamShare = capacity >> UPSTREAM_SHARE_SHIFT;
    for (let index = capacity - 1; index >= 0; index--) {
      this.#freeIndices.push(index);
    }
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** A connection record for a client connection, -1 when there is none left for clients. */
  reserveRecord(): number {
    return this.#freeIndices.length > this.#upstreamShare ? (this.#freeIndices.pop() ?? -1) : -1;
  }

  takeRecord(): number {
    return this.#freeIndices.pop() ?? -1;
  }

  returnRecord(record: number): void {
    this.#freeIndices.push(record);
  }

  /** Writes a client's address ("" and 0 when unknown) into its connection record, where requests' facts point to it. */
  setClientAddress(record: number, ip: string, port: number): void {
    const { engine } = this.#path;
    const at = engine.connections + record * layout.CONNECTION_SIZE;
    const text = `${ip}:${port}`;
    const length = engine.buffer.write(text, at + layout.CONNECTION_ADDRESS, layout.CONNECTION_ADDRESS_SIZE, 'latin1');
    const ipLength = Math.min(ip.length, length);
    engine.words[(at + layout.CONNECTION_IP_LENGTH) >> 2] = ipLength | (length << 16);
  }

  takeReady(exchange: RequestExchange): PooledConnection | null {
    const idle = this.#idle.get(exchange.word(layout.EXCHANGE_ENDPOINT_SLOT));
    if (idle === undefined) return null;
    const key = this.#transportOf(exchange)?.key ?? '';
    const last = idle.at(-1);
    if (last === undefined || last.transportKey === key) return idle.pop() ?? null;
    const place = idle.findLastIndex(({ transportKey }) => transportKey === key);
    return place < 0 ? null : (idle.splice(place, 1)[0] ?? null);
  }

  /** Null for plaintext. */
  #transportOf(exchange: RequestExchange): UpstreamTransport | null {
    const { generation } = exchange;
    const cluster = generation.facts.clusters[exchange.word(layout.EXCHANGE_CLUSTER)];
    if (cluster?.upstreamTls === undefined) return null;
    const host = cluster.upstreamTls.sni === undefined ? exchange.requestedHost() : '';
    return this.#path.transports.of(generation, cluster, host);
  }

  /**
   * Opens a connection for an exchange that has picked its endpoint. Returns null when the cluster may have no more
   * connections; the caller then waits by `enqueue`.
   */
  open(exchange: RequestExchange): PooledConnection | null {
    const index = this.#freeIndices.pop();
    if (index === undefined) return null;
    const clusterSlot = exchange.word(layout.EXCHANGE_CLUSTER_SLOT);
    let verdict = this.#path.engine.exports.openConnection(exchange.index, index);
    // An idle connection to another endpoint makes room: what was picked is honoured, and so is the limit.
    if (verdict !== 0 && this.#closeOneIdle(clusterSlot))
      verdict = this.#path.engine.exports.openConnection(exchange.index, index);
    if (verdict !== 0) {
      this.#freeIndices.push(index);
      return null;
    }
    const view = exchange.generation;
    const cluster = view.cluster(exchange.word(layout.EXCHANGE_CLUSTER));
    const picked = view.endpoint(cluster, exchange.word(layout.EXCHANGE_ENDPOINT));
    const endpoint =
      cluster.discovery === undefined ? picked : { ...picked, ...exchange.requestedEndpoint(picked.port) };
    const transport = this.#transportOf(exchange);
    const connection = new UpstreamConnection(this.#path, index, exchange, cluster, endpoint, transport);
    this.#all.add(connection);
    this.#path.setGauge(layout.SLAB_ACTIVE_CONNECTIONS, this.#all.size);
    return connection;
  }

  /** The exchange waits for a connection of its cluster; the other threads are asked to give one up. */
  enqueue(exchange: RequestExchange): void {
    const clusterSlot = exchange.word(layout.EXCHANGE_CLUSTER_SLOT);
    const queue = this.#waiting.get(clusterSlot);
    if (queue) queue.push(exchange);
    else this.#waiting.set(clusterSlot, [exchange]);
    this.#path.tellOthers({ kind: 'wanted', clusterSlot });
    // A place may have come free between the refusal and the entry into the queue.
    setImmediate(this.#path.guard(() => this.serveWaiting(clusterSlot)));
  }

  /** Takes an exchange out of the queue, when it ends before its turn. */
  dequeue(exchange: RequestExchange): void {
    const clusterSlot = exchange.word(layout.EXCHANGE_CLUSTER_SLOT);
    const queue = this.#waiting.get(clusterSlot);
    const place = queue?.indexOf(exchange) ?? -1;
    if (!queue || place < 0) return;
    queue.splice(place, 1);
    if (queue.length === 0) this.#waiting.delete(clusterSlot);
  }

  /** A connection whose message has ended well: the next waiting request takes it, or it rests. */
  release(connection: PooledConnection): void {
    const clusterSlot = connection.clusterSlot;
    const next = this.#waiting.get(clusterSlot)?.[0];
    if (next && this.#fits(connection, next)) {
      this.dequeue(next);
      next.onConnected(connection);
      return;
    }
    const elsewhere = this.#path.engine.exports.connectionWaiters(clusterSlot) > 0;
    if (next || elsewhere || this.#path.draining || !this.#isLive(connection)) {
      connection.destroy();
      return;
    }
    connection.rest();
    const idle = this.#idle.get(connection.endpointSlot);
    if (idle) idle.push(connection);
    else this.#idle.set(connection.endpointSlot, [connection]);
  }

  #fits(connection: PooledConnection, exchange: RequestExchange): boolean {
    if (exchange.word(layout.EXCHANGE_ENDPOINT_SLOT) !== connection.endpointSlot) return false;
    return connection.transportKey === (this.#transportOf(exchange)?.key ?? '');
  }

  /** Whether the current generation would open such a connection. */
  #isLive({ endpointSlot, clusterName, settingsKey }: PooledConnection): boolean {
    if (this.#liveEndpoints?.has(endpointSlot) === false) return false;
    return this.#current === null || this.#current.settingsKeyOf(clusterName) === settingsKey;
  }

  /** Called by a connection that has closed. */
  onClosed(connection: PooledConnection): void {
    if (!this.#all.delete(connection)) return;
    const idle = this.#idle.get(connection.endpointSlot);
    const place = idle?.indexOf(connection) ?? -1;
    if (idle && place >= 0) idle.splice(place, 1);
    if (idle?.length === 0) this.#idle.delete(connection.endpointSlot);
    this.#path.engine.exports.closeConnection(connection.index);
    this.#freeIndices.push(connection.index);
    this.#path.setGauge(layout.SLAB_ACTIVE_CONNECTIONS, this.#all.size);
    this.serveWaiting(connection.clusterSlot);
    if (this.#path.engine.exports.connectionWaiters(connection.clusterSlot) > 0) {
      this.#path.tellOthers({ kind: 'freed', clusterSlot: connection.clusterSlot });
    }
  }

  /** Opens connections for waiting requests while the limit allows. */
  serveWaiting(clusterSlot: number): void {
    // Opening may close an idle connection, which comes back here for the same first request.
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.#serveFirst(clusterSlot));
    } finally {
      this.#serving = false;
    }
  }

  #serveFirst(clusterSlot: number): boolean {
    const next = this.#waiting.get(clusterSlot)?.[0];
    if (!next) return false;
    const idle = this.takeReady(next);
    const connection = idle ?? this.open(next);
    if (!connection) return false;
    this.dequeue(next);
    if (idle) next.onConnected(idle);
    else next.onConnecting(connection);
    return true;
  }

  /** What another thread said. */
  onCapacity(message: CapacityMessage): void {
    if (message.kind === 'freed') this.serveWaiting(message.clusterSlot);
    else this.#closeOneIdle(message.clusterSlot);
  }

  /** Closes idle connections to endpoints that the current generation no longer has, or reaches in another way. */
  retainEndpoints(live: ReadonlySet<number>, current: GenerationView): void {
    this.#liveEndpoints = live;
    this.#current = current;
    for (const connections of [...this.#idle.values()]) {
      for (const connection of [...connections]) if (!this.#isLive(connection)) connection.destroy();
    }
  }

  closeIdle(): void {
    for (const connections of [...this.#idle.values()]) for (const connection of [...connections]) connection.destroy();
  }

  closeAll(): void {
    for (const connection of [...this.#all]) connection.destroy();
  }

  #closeOneIdle(clusterSlot: number): boolean {
    for (const connections of this.#idle.values()) {
      const connection = connections[0];
      if (connection?.clusterSlot !== clusterSlot) continue;
      connection.destroy();
      return true;
    }
    return false;
  }
}
