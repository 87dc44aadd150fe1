// SPDX-License-Identifier: Apache-2.0
/** What a parser has made of a client's bytes. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  /** Decoded, latin-1 text. */
  readonly body: string;
}

export interface ReadStream {
  /** Whole ones, in order. */
  readonly requests: readonly ReadRequest[];
  /** What came of the bytes behind them: none, too few, malformed, or not read because the last request was to be the last. */
  readonly end: 'complete' | 'incomplete' | 'refused' | 'closed';
  /** Why a peer refused, in its own words. */
  readonly code?: string;
}
