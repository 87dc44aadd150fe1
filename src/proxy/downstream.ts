// SPDX-License-Identifier: Apache-2.0
/**
 * What an exchange needs of the client's side. Each front implements it; nothing else may differ between fronts. Byte
 * ranges are absolute offsets in engine memory and valid during the call only.
 */

export interface ResponseFraming {
  readonly status: number;
  /** BODY_*; BODY_UNTIL_CLOSE is sent chunked. */
  readonly bodyKind: number;
  /** With BODY_LENGTH the body's bytes; for an answer to HEAD the length GET would have; -1 = unknown. */
  readonly contentLength: number;
  readonly isHead: boolean;
  readonly close: boolean;
}

export interface Downstream {
  /** STYLE_* bits of the engine's writeResponseHead that this front always wants. */
  readonly style: number;
  /** Runs `write` so that what it sends leaves together. */
  cork(write: () => void): void;
  /** Takes the head at [offset, offset+length). */
  sendHead(offset: number, length: number, framing: ResponseFraming): void;
  /** Takes body bytes. Returns false when the client can't keep up: the exchange waits for `onDownstreamDrain`. */
  sendBody(chunk: Uint8Array): boolean;
  /** The body is complete. */
  end(): void;
  /** Breaks the connection, so that the client sees a broken message. */
  destroy(): void;
  /** Stops and continues the request body. */
  pauseBody(): void;
  resumeBody(): void;
}
