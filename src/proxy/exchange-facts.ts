// SPDX-License-Identifier: Apache-2.0
/** What the access log and metrics say of an exchange; every field is set from the start, so that objects keep one shape. */
export class ExchangeFacts {
  /** performance.now() at the start, and when the request went upstream last. */
  startedAtMs = 0;
  upstreamStartedAtMs = 0;
  /** -1 = no response head came. */
  upstreamServiceMs = -1;
  /** Envoy's response code details. */
  responseDetails = '';
  /** Why the upstream could not be reached, for people. */
  failureDetail = '';
  upstreamAddress = '';
  upstreamLocalAddress = '';
  /** The head as sent upstream and the client's address, kept for the access log only. */
  sentHead = '';
  downstreamAddress = '';
  /** Bytes with heads, as istio_request_bytes counts them, and the heads' part. */
  requestBytes = 0;
  requestHeadBytes = 0;
  responseBytes = 0;
  responseHeadBytes = 0;
  /** Sent to the client; 0 = none. */
  status = 0;
  /** FLAG_* bits. */
  flags = 0;

  protected resetFacts(nowMs: number): void {
    this.startedAtMs = nowMs;
    this.upstreamStartedAtMs = 0;
    this.upstreamServiceMs = -1;
    this.responseDetails = '';
    this.failureDetail = '';
    this.upstreamAddress = '';
    this.upstreamLocalAddress = '';
    this.sentHead = '';
    this.downstreamAddress = '';
    this.requestBytes = 0;
    this.requestHeadBytes = 0;
    this.responseBytes = 0;
    this.responseHeadBytes = 0;
    this.status = 0;
    this.flags = 0;
  }
}
