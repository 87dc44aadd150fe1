// SPDX-License-Identifier: Apache-2.0
/**
 * Response record, header table and route -> the head for the client, whole or in the shape that uWebSockets.js takes (it
 * writes Date, Content-Length and Connection itself). Fields of the upstream's connection and those in which proxies talk
 * to each other end here; framing comes from what was parsed.
 */
import { bindExchange, routeRecord, weightedRecord } from './exchange-route';
import { beginOps, keepsAdded, putKeptLine, putKeptRow, putOps } from './header-ops';
import { beginTemplates } from './header-template';
import { isConnectionField } from './headers';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_UNTIL_CLOSE,
  FACT_DATE,
  FACT_REASON,
  FACT_UPSTREAM_SERVICE_MS,
  HEADER_FLAG_HOP_BY_HOP,
  HEADER_FLAGS,
  HEADER_ID_DATE,
  HEADER_ID_SERVER,
  HEADER_ID_UPGRADE,
  HEADER_ID_X_ENVOY_DECORATOR_OPERATION,
  HEADER_ID_X_ENVOY_IMMEDIATE_HEALTH_CHECK_FAIL,
  HEADER_ID_X_ENVOY_PEER_METADATA,
  HEADER_ID_X_ENVOY_PEER_METADATA_ID,
  HEADER_ID_X_ENVOY_UPSTREAM_SERVICE_TIME,
  HEADER_ID_X_WEFT_REASON,
  HEADER_NAME_ID,
  HEADER_ROW_SIZE,
  RESPONSE_BODY_KIND,
  RESPONSE_CONTENT_LENGTH,
  RESPONSE_HEADER_COUNT,
  RESPONSE_REASON_LENGTH,
  RESPONSE_REASON_OFFSET,
  RESPONSE_STATUS,
  ROUTE_RESPONSE_OPS_COUNT,
  ROUTE_RESPONSE_OPS_FIRST,
  SLAB_FACTS,
  SLAB_RESPONSE,
  SLAB_RESPONSE_HEADERS,
  STYLE_CLOSE,
  STYLE_COMPLETE,
  STYLE_HTTP_10,
  STYLE_REQUEST_PRESENT,
  STYLE_SERVICE_TIME,
  WEIGHTED_RESPONSE_OPS_COUNT,
  WEIGHTED_RESPONSE_OPS_FIRST,
} from './layout';
import { beginOutput, endOutput, flushRun, formatNumber, numberLength, numberText } from './output';
import { putBytes, putCrlf, putNumber, putRow } from './output';
import {
  TEXT_CHUNKED_LINE,
  TEXT_CHUNKED_LINE_LENGTH,
  TEXT_CLOSE_LINE,
  TEXT_CLOSE_LINE_LENGTH,
  TEXT_CONNECTION_UPGRADE_LINE,
  TEXT_CONNECTION_UPGRADE_LINE_LENGTH,
  TEXT_CONTENT_LENGTH_START,
  TEXT_CONTENT_LENGTH_START_LENGTH,
  TEXT_KEEP_ALIVE_LINE,
  TEXT_KEEP_ALIVE_LINE_LENGTH,
  TEXT_SERVER_LINE,
  TEXT_SERVER_LINE_LENGTH,
  TEXT_SPACE,
  TEXT_SPACE_LENGTH,
  TEXT_STATUS_LINE_START,
  TEXT_STATUS_LINE_START_10,
  TEXT_STATUS_LINE_START_LENGTH,
} from './tables';
import { slab } from './thread';

const SWITCHING_PROTOCOLS: u32 = 101;

/** Whether the upstream sent a Date. */
let sawDate: bool = false;

/**
 * Writes the client's head for the response in the response record, at `offset`, at most `capacity` bytes. `style` are
 * STYLE_* bits. Without STYLE_COMPLETE it is `200 OK CRLF` and field lines, each with its CRLF, and no empty line after
 * them; Date, Content-Length, Transfer-Encoding and Connection are left out. EXCHANGE_ROUTE and _WEIGHTED of `exchange` say
 * whose response operations apply; -1 for both means none. Returns the bytes written or FAILURE_OUTPUT_FULL.
 */
export function writeResponseHead(exchange: u32, offset: usize, capacity: u32, style: u32): i32 {
  const record = slab + SLAB_RESPONSE;
  const complete = (style & STYLE_COMPLETE) != 0;
  const status = load<u32>(record, RESPONSE_STATUS);
  // An interim answer (RFC 9110 15.2) has no framing, and what the proxy says of the answer comes with the final one.
  const interim = status < 200 && status != SWITCHING_PROTOCOLS;
  beginOutput(offset, capacity);
  bindExchange(exchange);
  beginTemplates((style & STYLE_REQUEST_PRESENT) != 0, true);
  beginResponseOps(complete ? 0 : HEADER_ID_DATE);
  const old = (style & STYLE_HTTP_10) != 0;
  if (complete) putBytes(old ? TEXT_STATUS_LINE_START_10 : TEXT_STATUS_LINE_START, TEXT_STATUS_LINE_START_LENGTH);
  putNumber(status);
  putBytes(TEXT_SPACE, TEXT_SPACE_LENGTH);
  putBytes(load<u32>(record, RESPONSE_REASON_OFFSET), load<u32>(record, RESPONSE_REASON_LENGTH));
  putCrlf();
  putUpstreamFields(record, complete);
  if (interim) {
    if (complete) putCrlf();
    return endOutput();
  }
  putOwnFields((style & STYLE_SERVICE_TIME) != 0, complete);
  putOps();
  if (complete) putFraming(record, style);
  return endOutput();
}

/** A forwarded response has its weighted cluster's operations; a redirect or direct response its route's. */
function beginResponseOps(closed: u32): void {
  if (weightedRecord != 0) {
    const first = load<u32>(weightedRecord, WEIGHTED_RESPONSE_OPS_FIRST);
    beginOps(first, load<u32>(weightedRecord, WEIGHTED_RESPONSE_OPS_COUNT), closed);
  } else if (routeRecord != 0) {
    beginOps(load<u32>(routeRecord, ROUTE_RESPONSE_OPS_FIRST), load<u32>(routeRecord, ROUTE_RESPONSE_OPS_COUNT), closed);
  } else {
    beginOps(0, 0, closed);
  }
}

function putUpstreamFields(record: usize, complete: bool): void {
  sawDate = false;
  const switching = complete && load<u32>(record, RESPONSE_STATUS) == SWITCHING_PROTOCOLS;
  const table = slab + SLAB_RESPONSE_HEADERS;
  const end = table + <usize>load<u32>(record, RESPONSE_HEADER_COUNT) * HEADER_ROW_SIZE;
  for (let row = table; row < end; row += HEADER_ROW_SIZE) {
    const id = load<u32>(row, HEADER_NAME_ID);
    if (switching && id == HEADER_ID_UPGRADE) {
      putRow(row);
      continue;
    }
    if ((load<u32>(row, HEADER_FLAGS) & HEADER_FLAG_HOP_BY_HOP) != 0) continue;
    if (id != 0 && isKeptFromClient(id, complete)) continue;
    putKeptRow(row);
  }
  flushRun();
}

/** Fields of the connection, fields that the proxy writes itself, and what proxies say to each other. */
// @ts-ignore: decorator
@inline
function isKeptFromClient(id: u32, complete: bool): bool {
  switch (id) {
    case HEADER_ID_SERVER:
    case HEADER_ID_X_WEFT_REASON:
    case HEADER_ID_X_ENVOY_DECORATOR_OPERATION:
    case HEADER_ID_X_ENVOY_IMMEDIATE_HEALTH_CHECK_FAIL:
    case HEADER_ID_X_ENVOY_PEER_METADATA:
    case HEADER_ID_X_ENVOY_PEER_METADATA_ID:
    case HEADER_ID_X_ENVOY_UPSTREAM_SERVICE_TIME:
      return true;
    case HEADER_ID_DATE:
      sawDate = true;
      return !complete;
    default:
      return isConnectionField(id);
  }
}

function putOwnFields(serviceTime: bool, complete: bool): void {
  const facts = slab + SLAB_FACTS;
  const dateLength = load<u32>(facts, FACT_DATE + 4);
  if (complete && !sawDate && dateLength != 0) putKeptLine(HEADER_ID_DATE, load<u32>(facts, FACT_DATE), dateLength);
  if (keepsAdded(HEADER_ID_SERVER)) putBytes(TEXT_SERVER_LINE, TEXT_SERVER_LINE_LENGTH);
  if (serviceTime) {
    formatNumber(load<u32>(facts, FACT_UPSTREAM_SERVICE_MS));
    putKeptLine(HEADER_ID_X_ENVOY_UPSTREAM_SERVICE_TIME, numberText, numberLength);
  }
  const reasonLength = load<u32>(facts, FACT_REASON + 4);
  if (reasonLength != 0) putKeptLine(HEADER_ID_X_WEFT_REASON, load<u32>(facts, FACT_REASON), reasonLength);
}

/**
 * Framing, Connection and the empty line (RFC 9112 6.3). A body that ends with the upstream's connection is chunked, also
 * for a client whose connection is closed after it, which else could not tell its end from a break; with STYLE_HTTP_10 any
 * body without a length ends with the connection, and a connection that is kept is said to be (RFC 9112 9.3). A HEAD or 304 answer keeps the length that it announces.
 */
function putFraming(record: usize, style: u32): void {
  const status = load<u32>(record, RESPONSE_STATUS);
  const kind = load<u32>(record, RESPONSE_BODY_KIND);
  const length = load<f64>(record, RESPONSE_CONTENT_LENGTH);
  const old = (style & STYLE_HTTP_10) != 0;
  const announced = kind == BODY_NONE && length >= 0;
  const unsized = kind == BODY_CHUNKED || kind == BODY_UNTIL_CLOSE;
  const close = (old && unsized) || (style & STYLE_CLOSE) != 0;
  if (kind == BODY_LENGTH || announced) {
    putBytes(TEXT_CONTENT_LENGTH_START, TEXT_CONTENT_LENGTH_START_LENGTH);
    putNumber(<u64>length);
    putCrlf();
  } else if (unsized && !old) {
    putBytes(TEXT_CHUNKED_LINE, TEXT_CHUNKED_LINE_LENGTH);
  }
  if (status == SWITCHING_PROTOCOLS) putBytes(TEXT_CONNECTION_UPGRADE_LINE, TEXT_CONNECTION_UPGRADE_LINE_LENGTH);
  else if (close && status >= 200) putBytes(TEXT_CLOSE_LINE, TEXT_CLOSE_LINE_LENGTH);
  else if (old) putBytes(TEXT_KEEP_ALIVE_LINE, TEXT_KEEP_ALIVE_LINE_LENGTH);
  putCrlf();
}
