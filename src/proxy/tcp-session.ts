// SPDX-License-Identifier: Apache-2.0
/**
 * A client's connection whose bytes are nobody's business -> one connection to an endpoint of a cluster, and bytes both ways
 * (Envoy's tcp_proxy). The client waits unread until the upstream is connected. An endpoint that can't be reached is
 * followed by another one. Each direction ends by itself, and a side that reads slowly makes the other one wait: nothing
 * is kept here beyond what sockets hold.
 *
 * It has an exchange record, so that load balancing, limits and metrics know it as they know requests, and gives its generation
 * back once connected: it may last for days.
 */
import type net from 'node:net';
import * as layout from '../../assembly/layout.js';
import { formatResponseFlags } from '../engine/response-flags.js';
import type { FilterChainData } from '../rules/encoded-tables.js';
import { addressOf } from './access-log-entry.js';
import type { ThreadContext } from './contracts.js';
import { failureOf } from './failures.js';
import type { GenerationView } from './generation-view.js';
import { hasRoom } from './output-buffers.js';
import { WheelTimer } from './timers.js';
import { UpstreamSocket } from './upstream-socket.js';
import type { UpstreamSocketOwner } from './upstream-socket.js';

/** Endpoints that one client connection tries; Envoy's default is 1, where one that died fails every second client. */
const MAX_CONNECT_ATTEMPTS = 3;
/** Istio reports bytes of open connections this often. */
const REPORT_MS = 5000;

export interface TcpClient {
  readonly socket: net.Socket;
  /** Name of the filter chain. */
  readonly filterChain: string;
  /** `ip:port`. */
  readonly address: string;
  /** Of the ClientHello; '' without one. */
  readonly serverName: string;
}

export class TcpSession implements UpstreamSocketOwner {
  readonly #path: ThreadContext;
  readonly #client: TcpClient;
  readonly #startedMs: number;
  readonly #idleTimeoutMs: number;
  readonly #idle = new WheelTimer(() => this.#finish(0, '', 'tcp_session_idle_timeout'));
  readonly #limit = new WheelTimer(() => this.#finish(layout.FLAG_DT, '', 'max_connection_duration_reached'));
  readonly #report = new WheelTimer(() => this.#reportBytes());
  readonly #release: () => void;
  /** Exchange record, -1 = none. */
  #record = -1;
  #connectionRecord = -1;
  #generation: GenerationView | null = null;
  #upstream: UpstreamSocket | null = null;
  #attempts = 0;
  #triedEndpoint = -1;
  /** What the client has sent before the upstream was there. */
  #first: Buffer | null;
  #clientEnded = false;
  #upstreamEnded = false;
  #clientHasAll = false;
  #upstreamHasAll = false;
  #received = 0;
  #sent = 0;
  /** Of these what has been reported. */
  #reportedReceived = 0;
  #reportedSent = 0;
  #clusterName = '';
  #failureDetail = '';
  /** Counted as opened. */
  #isCounted = false;
  #over = false;

  /** `first`: what has been read of the client already; kept. Nothing happens before `start`. */
  constructor(path: ThreadContext, client: TcpClient, chain: FilterChainData['tcp'] & object, first: Buffer | null) {
    this.#path = path;
    this.#client = client;
    this.#first = first;
    this.#startedMs = path.nowMs;
    this.#idleTimeoutMs = chain.idleTimeoutMs;
    this.#release = path.linger();
    if (chain.maxDurationMs > 0) path.timers.start(this.#limit, chain.maxDurationMs);
  }

  /** Draws a cluster by weight and connects. */
  start({ clusters }: FilterChainData['tcp'] & object): void {
    const begun = this.#path.beginRecord();
    if (begun === null) {
      this.#finish(layout.FLAG_OM, 'no exchange record is free');
      return;
    }
    this.#record = begun.index;
    this.#generation = begun.generation;
    const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
    let draw = Math.random() * total;
    const drawn = clusters.find(({ weight }) => (draw -= weight) < 0) ?? clusters[0];
    this.#clusterName = drawn?.cluster ?? '';
    if (drawn === undefined) {
      this.#finish(layout.FLAG_NR, '');
      return;
    }
    const index = begun.generation.clusterIndex(drawn.cluster);
    if (this.#path.engine.exports.chooseCluster(this.#record, index) !== 0) {
      this.#finish(layout.FLAG_NC, '');
      return;
    }
    this.#client.socket.pause();
    this.#connect();
  }

  // -------------------------------------------------------------------------------------------------------- client

  /** `length` bytes lie in the read region. */
  onClientRead(length: number): void {
    if (this.#over || this.#clientEnded) return;
    const bytes = this.#path.readBuffer.subarray(0, length);
    const upstream = this.#upstream;
    if (upstream?.isOpen !== true) {
      this.#first = this.#first === null ? Buffer.from(bytes) : Buffer.concat([this.#first, bytes]);
      return;
    }
    this.#touch();
    this.#received += length;
    if (!upstream.write(bytes)) this.#client.socket.pause();
  }

  /** The client will send no more. */
  onClientEnd(): void {
    if (this.#over || this.#clientEnded) return;
    this.#clientEnded = true;
    const upstream = this.#upstream;
    if (upstream?.isOpen === true) this.#endUpstream(upstream);
  }

  onClientDrain(): void {
    this.#touch();
    this.#upstream?.resume();
  }

  /** The client's connection is gone. */
  onClientClose(): void {
    const isDone = this.#clientHasAll && this.#clientEnded;
    // What it has sent may still be on its way.
    if (isDone && !this.#upstreamHasAll) return;
    this.#finish(this.#upstreamEnded ? 0 : layout.FLAG_DC, '');
  }

  /** Breaks it off, with these flags in the log. */
  abort(flags: number): void {
    this.#finish(flags, '');
  }

  // ------------------------------------------------------------------------------------------------------ upstream

  onSocketOpen(): void {
    const path = this.#path;
    const upstream = this.#upstream;
    if (upstream === null || this.#over) return;
    this.#isCounted = true;
    path.engine.exports.countConnection(this.#record, 1, 0);
    path.engine.exports.leaveGeneration(this.#record);
    this.#generation = null;
    upstream.allowHalfOpen();
    path.timers.start(this.#report, REPORT_MS);
    this.#touch();
    const first = this.#first;
    this.#first = null;
    let hasRoomLeft = true;
    if (first !== null && first.length > 0) {
      this.#received += first.length;
      hasRoomLeft = upstream.write(first);
    }
    if (this.#clientEnded) this.#endUpstream(upstream);
    else if (hasRoomLeft) this.#client.socket.resume();
  }

  onSocketRead(length: number): void {
    if (this.#over || this.#upstreamEnded) return;
    this.#touch();
    this.#sent += length;
    const { socket } = this.#client;
    this.#path.output.sendCopy(socket, this.#path.readBuffer.subarray(0, length));
    if (!hasRoom(socket)) this.#upstream?.pause();
  }

  onSocketDrain(): void {
    if (this.#over || this.#clientEnded) return;
    this.#touch();
    this.#client.socket.resume();
  }

  onSocketEnd(): void {
    if (this.#over || this.#upstreamEnded) return;
    this.#upstreamEnded = true;
    this.#client.socket.end(
      this.#path.guard(() => {
        this.#clientHasAll = true;
        this.#finishWhenDone();
      }),
    );
  }

  onSocketFailure(failure: number, detail: string): void {
    if (this.#over) return;
    this.#failureDetail = detail;
    this.#dropUpstream();
    const wasConnecting = failure === layout.FAILURE_CONNECT || failure === layout.FAILURE_CONNECT_TIMEOUT;
    if (!wasConnecting) {
      this.#finish(layout.FLAG_UC, detail);
      return;
    }
    if (this.#attempts < MAX_CONNECT_ATTEMPTS) this.#connect();
    else this.#finish(failureOf(failure).flag | layout.FLAG_URX, detail);
  }

  onSocketBug(): void {
    this.#finish(layout.FLAG_UC, 'an error in the proxy');
  }

  // --------------------------------------------------------------------------------------------------------- steps

  #connect(): void {
    const path = this.#path;
    const { exports } = path.engine;
    const generation = this.#generation;
    if (generation === null) return;
    this.#attempts++;
    const endpoint = exports.pickEndpoint(this.#record, this.#triedEndpoint);
    if (endpoint < 0) {
      this.#finish(layout.FLAG_UH, '');
      return;
    }
    this.#triedEndpoint = endpoint;
    const record = path.upstreams.takeRecord();
    if (record < 0 || exports.openConnection(this.#record, record) !== 0) {
      if (record >= 0) path.upstreams.returnRecord(record);
      this.#finish(record < 0 ? layout.FLAG_OM : layout.FLAG_UO, '');
      return;
    }
    this.#connectionRecord = record;
    const cluster = generation.cluster(this.#word(layout.EXCHANGE_CLUSTER));
    this.#upstream = new UpstreamSocket(path, this, {
      cluster,
      clusterSlot: this.#word(layout.EXCHANGE_CLUSTER_SLOT),
      endpoint: generation.endpoint(cluster, endpoint),
      transport: path.transports.of(generation, cluster, this.#client.serverName),
    });
  }

  #endUpstream(upstream: UpstreamSocket): void {
    upstream.end(
      this.#path.guard(() => {
        this.#upstreamHasAll = true;
        this.#finishWhenDone();
      }),
    );
  }

  #finishWhenDone(): void {
    if (this.#clientHasAll && this.#upstreamHasAll) this.#finish(0, '');
  }

  #touch(): void {
    if (this.#idleTimeoutMs > 0) this.#path.timers.start(this.#idle, this.#idleTimeoutMs);
  }

  #word(field: number): number {
    const record = this.#path.engine.exchanges + this.#record * layout.EXCHANGE_SIZE;
    return this.#path.engine.words[(record + field) >> 2] ?? 0;
  }

  #reportBytes(): void {
    this.#count(0);
    this.#path.timers.start(this.#report, REPORT_MS);
  }

  /** Brings what has passed since the last time into the metrics. */
  #count(closed: 0 | 1): void {
    const { engine } = this.#path;
    const record = engine.exchanges + this.#record * layout.EXCHANGE_SIZE;
    engine.doubles[(record + layout.EXCHANGE_REQUEST_BYTES) >> 3] = this.#received - this.#reportedReceived;
    engine.doubles[(record + layout.EXCHANGE_RESPONSE_BYTES) >> 3] = this.#sent - this.#reportedSent;
    this.#reportedReceived = this.#received;
    this.#reportedSent = this.#sent;
    // One that got nowhere has been opened too, as Istio counts (at the latest when it closes).
    const opened = closed === 1 && !this.#isCounted ? 1 : 0;
    engine.exports.countConnection(this.#record, opened, closed);
  }

  #dropUpstream(): void {
    this.#upstream?.destroy();
    this.#upstream = null;
    if (this.#connectionRecord < 0) return;
    this.#path.engine.exports.closeConnection(this.#connectionRecord);
    this.#path.upstreams.returnRecord(this.#connectionRecord);
    this.#connectionRecord = -1;
  }

  /** `termination`: why it was ended although both sides could have gone on. */
  #finish(flags: number, detail: string, termination = ''): void {
    if (this.#over) return;
    this.#over = true;
    const path = this.#path;
    for (const timer of [this.#idle, this.#limit, this.#report]) path.timers.stop(timer);
    const upstreamHost = this.#upstream?.address ?? '';
    const upstreamLocalAddress = this.#upstream?.isOpen === true ? this.#upstream.localAddress : '';
    this.#dropUpstream();
    if (this.#record >= 0) {
      const record = path.engine.exchanges + this.#record * layout.EXCHANGE_SIZE;
      path.engine.words[(record + layout.EXCHANGE_FLAGS) >> 2] = flags;
      this.#count(1);
      path.endRecord(this.#record);
    }
    if (path.keepsHeads) this.#log(flags, detail, termination, upstreamHost, upstreamLocalAddress);
    this.#client.socket.destroySoon();
    this.#release();
  }

  #log(flags: number, detail: string, termination: string, upstreamHost: string, upstreamLocalAddress: string): void {
    const { address, filterChain, serverName } = this.#client;
    this.#path.logConnection({
      startTimeMs: Math.round(performance.timeOrigin + this.#startedMs),
      responseCode: 0,
      responseFlags: formatResponseFlags(flags),
      connectionTerminationDetails: termination,
      upstreamTransportFailureReason: detail === '' ? this.#failureDetail : detail,
      bytesReceived: this.#received,
      bytesSent: this.#sent,
      durationMs: Math.round(this.#path.nowMs - this.#startedMs),
      upstreamHost,
      upstreamCluster: this.#clusterName,
      upstreamLocalAddress,
      downstreamLocalAddress: addressOf(filterChain),
      downstreamRemoteAddress: address,
      requestedServerName: serverName,
    });
  }
}
