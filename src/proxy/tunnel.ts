// SPDX-License-Identifier: Apache-2.0
/**
 * An exchange whose upstream has switched to WebSocket -> bytes both ways between its two connections, until both have
 * ended, one is lost, or nothing has passed for too long. Frames are not looked at: what the two sides say to each other is
 * theirs, and a proxy that parsed it would have to agree with both about extensions. Each end is passed on by itself
 * (half-close), because RFC 6455 7.1.1 lets the server close first and the client answer.
 */
import * as layout from '../../assembly/layout.js';
import type { ByteTunnel, Downstream, ThreadContext, Upstream } from './contracts.js';
import { WheelTimer } from './timers.js';

/** How the exchange that was upgraded is told of its tunnel; the byte counts are its own (Exchange). */
export interface TunnelOwner {
  requestBytes: number;
  responseBytes: number;
  /**
   * The tunnel is over: FLAG_* bits and Envoy's details ('' = those of the answer) of how. `atOnce`: what the client has not
   * taken yet is given up.
   */
  onTunnelEnd(flags: number, details: string, atOnce: boolean): void;
}

/** What a tunnel uses of the thread and of its two connections. */
export type TunnelThread = Pick<ThreadContext, 'timers' | 'guard' | 'limits'>;
export type TunnelClient = Pick<Downstream, 'sendTunnel' | 'endTunnel' | 'pauseBody' | 'resumeBody'>;
export type TunnelUpstream = Pick<Upstream, 'write' | 'endTunnel' | 'pause' | 'resume'>;

export class Tunnel implements ByteTunnel {
  readonly #path: TunnelThread;
  readonly #owner: TunnelOwner;
  readonly #downstream: TunnelClient;
  readonly #upstream: TunnelUpstream;
  readonly #idle: WheelTimer;
  #clientEnded = false;
  #upstreamEnded = false;
  /** Everything up to the end that was passed on is on its way. */
  #clientHasAll = false;
  #upstreamHasAll = false;
  /** The client left first: FLAG_DC and its details, as Envoy reports it. */
  #flags = 0;
  #details = '';
  #over = false;

  constructor(path: TunnelThread, owner: TunnelOwner, downstream: TunnelClient, upstream: TunnelUpstream) {
    this.#path = path;
    this.#owner = owner;
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#idle = new WheelTimer(() => this.#finish(layout.FLAG_SI, 'stream_idle_timeout', true));
    this.#touch();
  }

  /** Neither side has ended. */
  get isWhole(): boolean {
    return !this.#clientEnded && !this.#upstreamEnded;
  }

  onClientBytes(chunk: Uint8Array): void {
    if (this.#over || this.#clientEnded) return;
    this.#touch();
    this.#owner.requestBytes += chunk.length;
    if (!this.#upstream.write(chunk)) this.#downstream.pauseBody();
  }

  onUpstreamDrain(): void {
    this.#touch();
    this.#downstream.resumeBody();
  }

  onUpstreamBytes(chunk: Uint8Array): void {
    if (this.#over || this.#upstreamEnded) return;
    this.#touch();
    this.#owner.responseBytes += chunk.length;
    if (!this.#downstream.sendTunnel(chunk)) this.#upstream.pause();
  }

  onDownstreamDrain(): void {
    this.#touch();
    this.#upstream.resume();
  }

  onClientEnd(): void {
    if (this.#over || this.#clientEnded) return;
    this.#clientEnded = true;
    if (!this.#upstreamEnded) this.#blameClient();
    const onSent = (): void => {
      this.#upstreamHasAll = true;
      this.#finishWhenDone();
    };
    this.#upstream.endTunnel(this.#path.guard(onSent));
  }

  onUpstreamEnd(): void {
    if (this.#over || this.#upstreamEnded) return;
    this.#upstreamEnded = true;
    const onSent = (): void => {
      this.#clientHasAll = true;
      this.#finishWhenDone();
    };
    this.#downstream.endTunnel(this.#path.guard(onSent));
  }

  /** The client's connection is gone. When both its ways had ended, what it sent may still be on its way upstream. */
  onClientClosed(): void {
    if (this.#clientHasAll && this.#clientEnded) return;
    if (!this.#clientHasAll) this.#blameClient();
    this.#finish(this.#flags, this.#details, true);
  }

  /** The upstream's connection broke. One that had sent its end has answered in full, whoever did not listen to it. */
  onUpstreamLost(): void {
    if (!this.isWhole) this.#finish(this.#flags, this.#details, false);
    else this.#finish(layout.FLAG_UC, 'upstream_reset_after_response_started{connection_termination}', false);
  }

  /** Ends without telling anybody. */
  close(): void {
    this.#over = true;
    this.#path.timers.stop(this.#idle);
  }

  #touch(): void {
    const { streamIdleTimeoutMs } = this.#path.limits;
    if (streamIdleTimeoutMs > 0) this.#path.timers.start(this.#idle, streamIdleTimeoutMs);
  }

  #blameClient(): void {
    this.#flags = layout.FLAG_DC;
    this.#details = 'downstream_remote_disconnect';
  }

  #finishWhenDone(): void {
    if (this.#clientHasAll && this.#upstreamHasAll) this.#finish(this.#flags, this.#details, false);
  }

  #finish(flags: number, details: string, atOnce: boolean): void {
    if (this.#over) return;
    this.close();
    this.#owner.onTunnelEnd(flags, details, atOnce);
  }
}
