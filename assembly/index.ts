// SPDX-License-Identifier: Apache-2.0
/** The engine's exports: all that the host may call. Functions take and return numbers (see docs/ENGINE.md). */
import { LAYOUT_VERSION } from './layout';

export { attachThread, slabSize } from './thread';
export { answerPattern } from './answers';
export { moveBytes } from './bytes';
export { findVirtualHost } from './hosts';
export { routeRequest, testRoute } from './match';
export { verifyTable } from './verify';
export { abandonExchange, beginExchange, finishExchange, leaveGeneration, releaseThread } from './exchange';
export {
  admitRequest,
  chooseCluster,
  closeConnection,
  connectionWaiters,
  endRetry,
  enterPending,
  leavePending,
  openConnection,
  resetChunked,
  startRetry,
} from './breaker';
export { closeClient, openClient } from './clients';
export { countConnection } from './stats';
export { pickEndpoint } from './pick';
export { parseRequestHead } from './h1-request';
export { parseResponseHead } from './h1-response';
export { decodeChunked } from './h1-chunked';
export { normalizePath } from './path';
export { writeRequestHead } from './request-head';
export { writeResponseHead } from './response-head';

/** LAYOUT_VERSION of this module; the host refuses a module whose version differs from its own. */
export function layoutVersion(): i32 {
  return LAYOUT_VERSION;
}
