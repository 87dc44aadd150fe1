// SPDX-License-Identifier: Apache-2.0
/** What the suite and its origin tell each other over IPC. */

export type UpstreamMessage =
  | { readonly ports: readonly number[] }
  /** The answer to ToUpstream: it is in force. */
  | { readonly recording: boolean }
  /** The head of a request that came while recording was on. */
  | { readonly head: string };

export interface ToUpstream {
  readonly recording: boolean;
}
