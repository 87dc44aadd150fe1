// SPDX-License-Identifier: Apache-2.0
/** What the main thread and a data-path thread say to each other. */
import type { ClientLimits } from '../engine/client-limits.js';
import type { LogFields, LogLevel } from '../telemetry/log.js';
import type { GenerationMessage } from './generation-view.js';

/** Which front serves plaintext HTTP ports; `auto` is the wire front. */
export type FrontChoice = 'auto' | 'uws' | 'wire';

/** A listener that a thread should have open; `port` is never 0, so that all threads share it. */
export interface ListenerWish {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Place of its shared count of connections and of its counters in each thread. */
  readonly slot: number;
  /** It asks for what only the wire front does: TLS, TCP, or PROXY headers. */
  readonly needsWire: boolean;
  /** With `by-descriptor`: the main thread's listening socket, for the thread to duplicate and never to close. */
  readonly descriptor?: number;
}

/**
 * How threads come to listen on the same port: `by-each` opening it (the kernel or the library spreads connections),
 * `by-descriptor` duplicating one socket of the main thread, or not at all: `one-thread` has it alone.
 */
export type PortSharing = 'by-each' | 'by-descriptor' | 'one-thread';

export interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly index: number;
  /** Position among the threads that should run, from 0. */
  readonly place: number;
  readonly front: FrontChoice;
  readonly portSharing: PortSharing;
  /** Name of the channel between the threads of one proxy. */
  readonly channel: string;
  readonly limits: ClientLimits;
  readonly exposeReasons: boolean;
  readonly accessLog?: 'TEXT' | 'JSON';
  readonly generations: readonly GenerationMessage[];
  readonly currentSlot: number;
  /** See start-proxy.ts. */
  readonly ticketSecret: Uint8Array;
}

export type ToThread =
  | { readonly kind: 'generation'; readonly generation: GenerationMessage }
  | { readonly kind: 'use'; readonly slot: number }
  | { readonly kind: 'ticket-secret'; readonly secret: Uint8Array }
  | { readonly kind: 'retire'; readonly slot: number; readonly serial: number }
  | { readonly kind: 'listen'; readonly request: number; readonly listeners: readonly ListenerWish[] }
  | { readonly kind: 'drain'; readonly drainMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'crash' };

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'has-generation'; readonly serial: number }
  | { readonly kind: 'listening'; readonly request: number; readonly failures: readonly ListenFailure[] }
  /** An error that nobody caught: the thread serves on until its replacement does, is then drained, and ends. */
  | { readonly kind: 'dying'; readonly error: string }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly component: string;
      readonly message: string;
      readonly fields: LogFields;
    }
  | { readonly kind: 'access-log'; readonly lines: Uint8Array; readonly count: number };

export interface ListenFailure {
  readonly name: string;
  readonly error: string;
}
