// SPDX-License-Identifier: Apache-2.0
/**
 * Request record, header table and route -> the HTTP/1.1 head for the upstream: request line and Host; the client's fields
 * without what belongs to its connection or is not for clients to say; forwarding fields; the route's header operations;
 * framing last, from what was parsed and never from what was received.
 */
import { byteAt, hasClass } from './bytes';
import { bindExchange, tableBase, weightedRecord } from './exchange-route';
import { isForwardingField, putForwardingFields, resetForwarding } from './forwarding';
import { isTrailersOnly } from './framing';
import { beginOps, putKeptRow, putOps } from './header-ops';
import { beginTemplates } from './header-template';
import { isConnectionField } from './headers';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  FACT_UPSTREAM_REMOTE,
  HEAD_FLAG_COPY,
  HEAD_FLAG_SIDECAR,
  HEAD_FLAG_UPGRADE,
  HEADER_FLAG_HOP_BY_HOP,
  HEADER_FLAGS,
  HEADER_ID_EXPECT,
  HEADER_ID_MAX_FORWARDS,
  HEADER_ID_TE,
  HEADER_ID_X_ENVOY_DECORATOR_OPERATION,
  HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_CLUSTER,
  HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_NODE,
  HEADER_ID_X_ENVOY_ATTEMPT_COUNT,
  HEADER_ID_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS,
  HEADER_ID_X_ENVOY_EXTERNAL_ADDRESS,
  HEADER_ID_X_ENVOY_FORCE_TRACE,
  HEADER_ID_X_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT,
  HEADER_ID_X_ENVOY_INTERNAL,
  HEADER_ID_X_ENVOY_IP_TAGS,
  HEADER_ID_X_ENVOY_MAX_RETRIES,
  HEADER_ID_X_ENVOY_ORIGINAL_HOST,
  HEADER_ID_X_ENVOY_ORIGINAL_PATH,
  HEADER_ID_X_ENVOY_ORIGINAL_URL,
  HEADER_ID_X_ENVOY_PEER_METADATA,
  HEADER_ID_X_ENVOY_PEER_METADATA_ID,
  HEADER_ID_X_ENVOY_RETRIABLE_HEADER_NAMES,
  HEADER_ID_X_ENVOY_RETRIABLE_STATUS_CODES,
  HEADER_ID_X_ENVOY_RETRY_GRPC_ON,
  HEADER_ID_X_ENVOY_RETRY_ON,
  HEADER_ID_X_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS,
  HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE,
  HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_MS,
  HEADER_ID_X_FORWARDED_CLIENT_CERT,
  HEADER_NAME_ID,
  HEADER_ROW_SIZE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  METHOD_OPTIONS,
  METHOD_TRACE,
  REQUEST_AUTHORITY_LENGTH,
  REQUEST_AUTHORITY_OFFSET,
  REQUEST_BODY_KIND,
  REQUEST_CONTENT_LENGTH,
  REQUEST_FLAG_WEBSOCKET,
  REQUEST_FLAGS,
  REQUEST_HEADER_COUNT,
  REQUEST_METHOD_ID,
  REQUEST_METHOD_LENGTH,
  REQUEST_METHOD_OFFSET,
  SLAB_FACTS,
  SLAB_REQUEST,
  SLAB_REQUEST_HEADERS,
  WEIGHTED_HOST_LENGTH,
  WEIGHTED_HOST_OFFSET,
  WEIGHTED_REQUEST_OPS_COUNT,
  WEIGHTED_REQUEST_OPS_FIRST,
} from './layout';
import { beginOutput, endOutput, flushRun, formatNumber, numberLength, numberText } from './output';
import { putBytes, putCrlf, putLine, putNumber } from './output';
import { putTarget } from './rewrite';
import {
  CLASS_DIGIT,
  TEXT_CHUNKED_LINE,
  TEXT_CHUNKED_LINE_LENGTH,
  TEXT_CONTENT_LENGTH_START,
  TEXT_CONTENT_LENGTH_START_LENGTH,
  TEXT_REQUEST_LINE_END,
  TEXT_REQUEST_LINE_END_LENGTH,
  TEXT_SPACE,
  TEXT_SPACE_LENGTH,
  TEXT_UPGRADE_LINES,
  TEXT_UPGRADE_LINES_LENGTH,
} from './tables';
import { slab } from './thread';

/**
 * Writes the upstream head of `exchange` (index of its record; EXCHANGE_GENERATION, _ROUTE, _WEIGHTED and _ATTEMPT are
 * read) for the request in the request record, at `offset`, at most `capacity` bytes. `flags` are HEAD_FLAG_*. Returns the
 * bytes written or FAILURE_OUTPUT_FULL.
 */
export function writeRequestHead(exchange: u32, offset: usize, capacity: u32, flags: u32): i32 {
  const record = slab + SLAB_REQUEST;
  beginOutput(offset, capacity);
  bindExchange(exchange);
  beginTemplates(true, false);
  if (weightedRecord == 0) beginOps(0, 0, 0);
  else {
    beginOps(load<u32>(weightedRecord, WEIGHTED_REQUEST_OPS_FIRST), load<u32>(weightedRecord, WEIGHTED_REQUEST_OPS_COUNT), 0);
  }
  const sidecar = (flags & HEAD_FLAG_SIDECAR) != 0;
  putRequestLine(record);
  if ((flags & HEAD_FLAG_COPY) != 0) putCopiedFields(record);
  else {
    resetForwarding();
    putClientFields(record, sidecar);
    putForwardingFields(sidecar);
    putOps();
  }
  putFraming(record, (flags & HEAD_FLAG_UPGRADE) != 0);
  return endOutput();
}

/**
 * `METHOD target HTTP/1.1` and Host: the cluster's host rewrite, or the authority as received, or the endpoint's address for
 * a request of HTTP/1.0 that names none.
 */
function putRequestLine(record: usize): void {
  putBytes(load<u32>(record, REQUEST_METHOD_OFFSET), load<u32>(record, REQUEST_METHOD_LENGTH));
  putBytes(TEXT_SPACE, TEXT_SPACE_LENGTH);
  putTarget();
  putBytes(TEXT_REQUEST_LINE_END, TEXT_REQUEST_LINE_END_LENGTH);
  const rewritten = weightedRecord == 0 ? 0 : load<u32>(weightedRecord, WEIGHTED_HOST_LENGTH);
  const authority = load<u32>(record, REQUEST_AUTHORITY_LENGTH);
  const facts = slab + SLAB_FACTS;
  if (rewritten != 0) putBytes(tableBase + load<u32>(weightedRecord, WEIGHTED_HOST_OFFSET), rewritten);
  else if (authority != 0) putBytes(load<u32>(record, REQUEST_AUTHORITY_OFFSET), authority);
  else putBytes(load<u32>(facts, FACT_UPSTREAM_REMOTE), load<u32>(facts, FACT_UPSTREAM_REMOTE + 4));
  putCrlf();
}

/** The client's fields that go on, in their order. */
function putClientFields(record: usize, sidecar: bool): void {
  const table = slab + SLAB_REQUEST_HEADERS;
  const end = table + <usize>load<u32>(record, REQUEST_HEADER_COUNT) * HEADER_ROW_SIZE;
  for (let row = table; row < end; row += HEADER_ROW_SIZE) {
    if ((load<u32>(row, HEADER_FLAGS) & HEADER_FLAG_HOP_BY_HOP) != 0) continue;
    const id = load<u32>(row, HEADER_NAME_ID);
    if (id != 0) {
      if (isForwardingField(id, row, sidecar)) continue;
      if (isKeptFromUpstream(id, row)) continue;
      if (id == HEADER_ID_MAX_FORWARDS && putMaxForwards(record, row)) continue;
    }
    putKeptRow(row);
  }
  flushRun();
}

/** All but what belongs to the connection, which is this one's own affair. */
function putCopiedFields(record: usize): void {
  const table = slab + SLAB_REQUEST_HEADERS;
  const end = table + <usize>load<u32>(record, REQUEST_HEADER_COUNT) * HEADER_ROW_SIZE;
  for (let row = table; row < end; row += HEADER_ROW_SIZE) {
    if ((load<u32>(row, HEADER_FLAGS) & HEADER_FLAG_HOP_BY_HOP) != 0) continue;
    if (!isConnectionField(load<u32>(row, HEADER_NAME_ID))) putKeptRow(row);
  }
  flushRun();
}

/**
 * Fields that end here: those of the connection (RFC 9110 7.6.1), Expect, which the front answers itself, and those with
 * which Envoy takes orders or reports facts, which a client must not be able to forge.
 */
function isKeptFromUpstream(id: u32, row: usize): bool {
  if (id == HEADER_ID_TE) return !isTrailersOnly(load<u32>(row, HEADER_VALUE_OFFSET), load<u32>(row, HEADER_VALUE_LENGTH));
  if (isConnectionField(id)) return true;
  switch (id) {
    case HEADER_ID_EXPECT:
    case HEADER_ID_X_FORWARDED_CLIENT_CERT:
    case HEADER_ID_X_ENVOY_ATTEMPT_COUNT:
    case HEADER_ID_X_ENVOY_DECORATOR_OPERATION:
    case HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_CLUSTER:
    case HEADER_ID_X_ENVOY_DOWNSTREAM_SERVICE_NODE:
    case HEADER_ID_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS:
    case HEADER_ID_X_ENVOY_EXTERNAL_ADDRESS:
    case HEADER_ID_X_ENVOY_FORCE_TRACE:
    case HEADER_ID_X_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT:
    case HEADER_ID_X_ENVOY_INTERNAL:
    case HEADER_ID_X_ENVOY_IP_TAGS:
    case HEADER_ID_X_ENVOY_MAX_RETRIES:
    case HEADER_ID_X_ENVOY_ORIGINAL_HOST:
    case HEADER_ID_X_ENVOY_ORIGINAL_PATH:
    case HEADER_ID_X_ENVOY_ORIGINAL_URL:
    case HEADER_ID_X_ENVOY_PEER_METADATA:
    case HEADER_ID_X_ENVOY_PEER_METADATA_ID:
    case HEADER_ID_X_ENVOY_RETRIABLE_HEADER_NAMES:
    case HEADER_ID_X_ENVOY_RETRIABLE_STATUS_CODES:
    case HEADER_ID_X_ENVOY_RETRY_GRPC_ON:
    case HEADER_ID_X_ENVOY_RETRY_ON:
    case HEADER_ID_X_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS:
    case HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE:
    case HEADER_ID_X_ENVOY_UPSTREAM_RQ_TIMEOUT_MS:
      return true;
    default:
      return false;
  }
}

/**
 * Max-Forwards of OPTIONS and TRACE counts down (RFC 9110 7.6.2); true when the line has been written. Zero and what is no
 * number of up to nine digits stays as it is: answering zero is for the caller, before it forwards.
 */
function putMaxForwards(record: usize, row: usize): bool {
  const method = load<u32>(record, REQUEST_METHOD_ID);
  const length = load<u32>(row, HEADER_VALUE_LENGTH);
  if ((method != METHOD_OPTIONS && method != METHOD_TRACE) || length > 9) return false;
  const value = <usize>load<u32>(row, HEADER_VALUE_OFFSET);
  let hops: u32 = 0;
  for (let index: u32 = 0; index < length; index++) {
    if (!hasClass(byteAt(value + index), CLASS_DIGIT)) return false;
    hops = hops * 10 + (byteAt(value + index) - 0x30);
  }
  if (hops == 0) return false;
  flushRun();
  formatNumber(hops - 1);
  putLine(HEADER_ID_MAX_FORWARDS, numberText, numberLength);
  return true;
}

/** Body framing, the WebSocket upgrade when it is kept, and the empty line. */
function putFraming(record: usize, upgrade: bool): void {
  const kind = load<u32>(record, REQUEST_BODY_KIND);
  if (kind == BODY_LENGTH) {
    putBytes(TEXT_CONTENT_LENGTH_START, TEXT_CONTENT_LENGTH_START_LENGTH);
    putNumber(<u64>load<f64>(record, REQUEST_CONTENT_LENGTH));
    putCrlf();
  } else if (kind == BODY_CHUNKED) {
    putBytes(TEXT_CHUNKED_LINE, TEXT_CHUNKED_LINE_LENGTH);
  }
  const websocket = (load<u32>(record, REQUEST_FLAGS) & REQUEST_FLAG_WEBSOCKET) != 0;
  if (upgrade && websocket) putBytes(TEXT_UPGRADE_LINES, TEXT_UPGRADE_LINES_LENGTH);
  putCrlf();
}
