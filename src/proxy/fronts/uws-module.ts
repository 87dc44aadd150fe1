// SPDX-License-Identifier: Apache-2.0
/**
 * Loads uWebSockets.js: the release that fits this Node.js. Two are installed, because no one release carries binaries
 * for all supported versions: 20.51 serves Node 18 to 23 on older glibc, 20.69 serves Node 22 to 26 on glibc 2.38 on.
 */
import { createRequire } from 'node:module';
import { MAX_HEAD_BYTES } from '../../../assembly/layout.js';

/** The part of the library that Weft uses. A response is valid until it has ended or its abort handler has run. */
export interface UwsResponse {
  writeStatus(status: Uint8Array | string): UwsResponse;
  writeHeader(name: string, value: string): UwsResponse;
  write(chunk: Uint8Array): boolean;
  tryEnd(chunk: Uint8Array, totalSize: number): [boolean, boolean];
  end(body?: Uint8Array | string, closeConnection?: boolean): UwsResponse;
  endWithoutBody(reportedContentLength?: number, closeConnection?: boolean): UwsResponse;
  close(): UwsResponse;
  cork(write: () => void): UwsResponse;
  getWriteOffset(): number;
  upgrade(userData: object, key: string, protocol: string, extensions: string, context: UwsContext): void;
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsResponse;
  pause(): void;
  resume(): void;
  getRemoteAddressAsText(): ArrayBuffer;
  /** Newer releases only. */
  getRemotePort?(): number;
}

/** What `upgrade` needs of the library besides the response; opaque, and valid as long as the connection. */
export type UwsContext = object;

/** A WebSocket connection; valid until its close handler has run. */
export interface UwsWebSocket<UserData> {
  send(message: Uint8Array, isBinary: boolean): number;
  ping(message: Uint8Array): number;
  end(code: number, reason: Uint8Array): void;
  close(): void;
  getBufferedAmount(): number;
  getUserData(): UserData;
}

/** Messages are valid during the call. */
export interface UwsWebSocketBehavior<UserData> {
  readonly maxPayloadLength: number;
  /** 0 = no limit. */
  readonly maxBackpressure: number;
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: UwsContext): void;
  open(socket: UwsWebSocket<UserData>): void;
  message(socket: UwsWebSocket<UserData>, message: ArrayBuffer, isBinary: boolean): void;
  ping(socket: UwsWebSocket<UserData>, message: ArrayBuffer): void;
  pong(socket: UwsWebSocket<UserData>, message: ArrayBuffer): void;
  drain(socket: UwsWebSocket<UserData>): void;
  close(socket: UwsWebSocket<UserData>, code: number, reason: ArrayBuffer): void;
}

export interface UwsRequest {
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  getHeader(lowerCaseName: string): string;
  forEach(visit: (key: string, value: string) => void): void;
}

/** Opaque; false when listening failed. */
export type UwsListenSocket = object | false;

export interface UwsApp {
  any(pattern: string, handler: (response: UwsResponse, request: UwsRequest) => void): UwsApp;
  ws<UserData>(pattern: string, behavior: UwsWebSocketBehavior<UserData>): UwsApp;
  listen(host: string, port: number, callback: (socket: UwsListenSocket) => void): UwsApp;
  close(): UwsApp;
}

export interface UwsModule {
  App(): UwsApp;
  us_listen_socket_close(socket: object): void;
  _cfg(option: string): void;
}

export type UwsLoadResult =
  | { readonly ok: true; readonly module: UwsModule; readonly name: string }
  | { readonly ok: false; readonly reason: string };

const CANDIDATES = ['uWebSockets.js', 'uWebSockets.js-next'];
/** The library's switch that keeps its own `uWebSockets` marker header out of responses. */
const NO_MARKER_HEADER = '999999990007';

/** Never throws; the reason names every release that was tried and why it did not load. */
export function loadUws(): UwsLoadResult {
  // Read once by the library when it loads; its own default is 4 KiB for a whole head.
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(MAX_HEAD_BYTES);
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const name of CANDIDATES) {
    try {
      const module = require(name) as UwsModule;
      module._cfg(NO_MARKER_HEADER);
      return { ok: true, module, name };
    } catch (error) {
      const text = error instanceof Error ? (error.message.split('\n').at(0) ?? '') : String(error);
      reasons.push(`${name}: ${text}`);
    }
  }
  return { ok: false, reason: reasons.join('; ') };
}
