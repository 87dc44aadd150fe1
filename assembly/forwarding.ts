// SPDX-License-Identifier: Apache-2.0
/**
 * What a proxy tells the upstream about the request's way: x-forwarded-for, x-forwarded-proto, x-request-id and Envoy's
 * attempt count, timeout, original path and host. A gateway trusts no client: it writes its own. A sidecar's outbound
 * listener serves its own application: x-forwarded-for is not its to touch, the others are kept when they are there
 * (Istio's defaults for the two kinds of listener).
 */
import { exchangeRecord, routeRecord, weightedRecord } from './exchange-route';
import { keepsAdded, putKeptLine } from './header-ops';
import { nameLengthOf, nameTextOf } from './headers';
import {
  EXCHANGE_ATTEMPT,
  FACT_CLIENT_CERTIFICATE,
  FACT_DOWNSTREAM_REMOTE_IP,
  FACT_DOWNSTREAM_TLS,
  HEADER_FLAG_HOP_BY_HOP,
  HEADER_FLAGS,
  HEADER_ID_X_ENVOY_ATTEMPT_COUNT,
  HEADER_ID_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS,
  HEADER_ID_X_ENVOY_EXTERNAL_ADDRESS,
  HEADER_ID_X_ENVOY_ORIGINAL_HOST,
  HEADER_ID_X_ENVOY_ORIGINAL_PATH,
  HEADER_ID_X_FORWARDED_CLIENT_CERT,
  HEADER_ID_X_FORWARDED_FOR,
  HEADER_ID_X_FORWARDED_PROTO,
  HEADER_ID_X_REQUEST_ID,
  HEADER_NAME_ID,
  HEADER_ROW_SIZE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  REQUEST_AUTHORITY_LENGTH,
  REQUEST_AUTHORITY_OFFSET,
  REQUEST_HEADER_COUNT,
  ROUTE_TIMEOUT_MS,
  SCRATCH_NUMBER,
  SLAB_FACTS,
  SLAB_REQUEST,
  SLAB_REQUEST_HEADERS,
  SLAB_SCRATCH,
  WEIGHTED_HOST_LENGTH,
} from './layout';
import { formatNumber, numberLength, numberText, putBytes, putCrlf, putSeparator } from './output';
import { UUID_LENGTH, writeUuid } from './request-id';
import { findOriginalPath, originalPath, originalPathLength, rewritesPath } from './rewrite';
import { TEXT_COMMA, TEXT_COMMA_LENGTH, TEXT_HTTP, TEXT_HTTP_LENGTH, TEXT_HTTPS, TEXT_HTTPS_LENGTH } from './tables';
import { slab } from './thread';

/** Which of the forwarding fields the client sent. */
let sentForwardedFor: bool = false;
let sentProto: bool = false;
let sentRequestId: bool = false;

export function resetForwarding(): void {
  sentForwardedFor = false;
  sentProto = false;
  sentRequestId = false;
}

/** Takes note of a client's forwarding field; true when the proxy writes that field itself instead. */
export function isForwardingField(id: u32, row: usize, sidecar: bool): bool {
  // An empty value tells nothing, so it counts as missing.
  const said = load<u32>(row, HEADER_VALUE_LENGTH) != 0;
  switch (id) {
    case HEADER_ID_X_FORWARDED_FOR:
      sentForwardedFor = sentForwardedFor || said;
      return !sidecar;
    case HEADER_ID_X_FORWARDED_PROTO:
      sentProto = sentProto || said;
      return !sidecar || !said;
    case HEADER_ID_X_REQUEST_ID:
      sentRequestId = sentRequestId || said;
      return !sidecar || !said;
    default:
      return false;
  }
}

export function putForwardingFields(sidecar: bool): void {
  const facts = slab + SLAB_FACTS;
  const address = <usize>load<u32>(facts, FACT_DOWNSTREAM_REMOTE_IP);
  const addressLength = load<u32>(facts, FACT_DOWNSTREAM_REMOTE_IP + 4);
  if (!sidecar && (addressLength != 0 || sentForwardedFor)) putForwardedFor(address, addressLength);
  if (!sidecar || !sentProto) {
    const secure = load<u32>(facts, FACT_DOWNSTREAM_TLS) != 0;
    putKeptLine(HEADER_ID_X_FORWARDED_PROTO, secure ? TEXT_HTTPS : TEXT_HTTP, secure ? TEXT_HTTPS_LENGTH : TEXT_HTTP_LENGTH);
  }
  if (!sidecar || !sentRequestId) {
    const id = slab + SLAB_SCRATCH + SCRATCH_NUMBER;
    writeUuid(id);
    putKeptLine(HEADER_ID_X_REQUEST_ID, id, UUID_LENGTH);
  }
  putKeptNumber(HEADER_ID_X_ENVOY_ATTEMPT_COUNT, load<u32>(exchangeRecord, EXCHANGE_ATTEMPT));
  const timeout = routeRecord == 0 ? 0 : load<u32>(routeRecord, ROUTE_TIMEOUT_MS);
  if (timeout != 0) putKeptNumber(HEADER_ID_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, timeout);
  if (!sidecar && addressLength != 0) putKeptLine(HEADER_ID_X_ENVOY_EXTERNAL_ADDRESS, address, addressLength);
  const certificateLength = load<u32>(facts, FACT_CLIENT_CERTIFICATE + 4);
  if (!sidecar && certificateLength != 0) {
    putKeptLine(HEADER_ID_X_FORWARDED_CLIENT_CERT, load<u32>(facts, FACT_CLIENT_CERTIFICATE), certificateLength);
  }
  putOriginals();
}

function putKeptNumber(id: u32, value: u32): void {
  formatNumber(value);
  putKeptLine(id, numberText, numberLength);
}

/** What the upstream no longer sees in the request line and Host because the route rewrites it. */
function putOriginals(): void {
  if (rewritesPath()) {
    findOriginalPath();
    putKeptLine(HEADER_ID_X_ENVOY_ORIGINAL_PATH, originalPath, originalPathLength);
  }
  if (weightedRecord != 0 && load<u32>(weightedRecord, WEIGHTED_HOST_LENGTH) != 0) {
    const record = slab + SLAB_REQUEST;
    const authority = load<u32>(record, REQUEST_AUTHORITY_OFFSET);
    putKeptLine(HEADER_ID_X_ENVOY_ORIGINAL_HOST, authority, load<u32>(record, REQUEST_AUTHORITY_LENGTH));
  }
}

/** The client's lines joined by commas, then its address. */
function putForwardedFor(address: usize, addressLength: u32): void {
  const id = HEADER_ID_X_FORWARDED_FOR;
  if (!keepsAdded(id)) return;
  putBytes(nameTextOf(id), nameLengthOf(id));
  putSeparator();
  let first = true;
  const table = slab + SLAB_REQUEST_HEADERS;
  const end = table + <usize>load<u32>(slab + SLAB_REQUEST, REQUEST_HEADER_COUNT) * HEADER_ROW_SIZE;
  for (let row = table; sentForwardedFor && row < end; row += HEADER_ROW_SIZE) {
    const dropped = (load<u32>(row, HEADER_FLAGS) & HEADER_FLAG_HOP_BY_HOP) != 0;
    if (load<u32>(row, HEADER_NAME_ID) != id || dropped || load<u32>(row, HEADER_VALUE_LENGTH) == 0) continue;
    if (!first) putBytes(TEXT_COMMA, TEXT_COMMA_LENGTH);
    putBytes(load<u32>(row, HEADER_VALUE_OFFSET), load<u32>(row, HEADER_VALUE_LENGTH));
    first = false;
  }
  if (!first && addressLength != 0) putBytes(TEXT_COMMA, TEXT_COMMA_LENGTH);
  putBytes(address, addressLength);
  putCrlf();
}
