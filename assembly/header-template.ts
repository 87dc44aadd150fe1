// SPDX-License-Identifier: Apache-2.0
/**
 * Template parts of a header value -> bytes: literals, `%REQ(…)%`, `%RESP(…)%` and facts of the exchange. What is unknown
 * is empty. Header parts read the tables as they were received, not what operations have made of them, and the first line
 * of a name, as Envoy's formatters do.
 */
import { byteAt, COLON, FNV_BASIS, FNV_PRIME, sameBytes } from './bytes';
import { tableBase } from './exchange-route';
import { findRow } from './headers';
import {
  FACT_CORS_ORIGIN,
  FACT_DOWNSTREAM_LOCAL,
  FACT_DOWNSTREAM_LOCAL_IP,
  FACT_DOWNSTREAM_LOCAL_PORT,
  FACT_DOWNSTREAM_REMOTE,
  FACT_DOWNSTREAM_REMOTE_IP,
  FACT_ROUTE_NAME,
  FACT_START_TIME,
  FACT_UPSTREAM_CLUSTER,
  FACT_UPSTREAM_REMOTE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  PART_ALTERNATIVE_LENGTH,
  PART_ALTERNATIVE_OFFSET,
  PART_CORS_LITERAL,
  PART_CORS_ORIGIN,
  PART_DOWNSTREAM_LOCAL,
  PART_DOWNSTREAM_LOCAL_IP,
  PART_DOWNSTREAM_LOCAL_PORT,
  PART_DOWNSTREAM_REMOTE,
  PART_DOWNSTREAM_REMOTE_IP,
  PART_KIND,
  PART_LITERAL,
  PART_MAX_BYTES,
  PART_PROTOCOL,
  PART_REQUEST_HEADER,
  PART_RESPONSE_CODE,
  PART_RESPONSE_HEADER,
  PART_ROUTE_NAME,
  PART_START_TIME,
  PART_TEXT_LENGTH,
  PART_TEXT_OFFSET,
  PART_UPSTREAM_CLUSTER,
  PART_UPSTREAM_REMOTE,
  REQUEST_AUTHORITY_LENGTH,
  REQUEST_AUTHORITY_OFFSET,
  REQUEST_HEADER_COUNT,
  REQUEST_METHOD_LENGTH,
  REQUEST_METHOD_OFFSET,
  REQUEST_SCHEME,
  REQUEST_VERSION,
  RESPONSE_HEADER_COUNT,
  RESPONSE_STATUS,
  SLAB_FACTS,
  SLAB_REQUEST,
  SLAB_REQUEST_HEADERS,
  SLAB_RESPONSE,
  SLAB_RESPONSE_HEADERS,
} from './layout';
import { formatNumber, numberLength, numberText } from './output';
import { findOriginalPath, originalPath, originalPathLength } from './rewrite';
import {
  TEXT_AUTHORITY_PSEUDO,
  TEXT_AUTHORITY_PSEUDO_LENGTH,
  TEXT_HTTP,
  TEXT_HTTP_10,
  TEXT_HTTP_10_LENGTH,
  TEXT_HTTP_11,
  TEXT_HTTP_LENGTH,
  TEXT_HTTPS,
  TEXT_HTTPS_LENGTH,
  TEXT_METHOD_PSEUDO,
  TEXT_METHOD_PSEUDO_LENGTH,
  TEXT_PATH_PSEUDO,
  TEXT_PATH_PSEUDO_LENGTH,
  TEXT_SCHEME_PSEUDO,
  TEXT_SCHEME_PSEUDO_LENGTH,
  TEXT_STATUS_PSEUDO,
  TEXT_STATUS_PSEUDO_LENGTH,
} from './tables';
import { slab } from './thread';

/** The text of the part resolved last. */
export let partText: usize = 0;
export let partLength: u32 = 0;
/** May parts read the request record, and the response record? Each holds one message of the thread's many exchanges. */
let requestReadable: bool = false;
let responseReadable: bool = false;

export function beginTemplates(request: bool, response: bool): void {
  requestReadable = request;
  responseReadable = response;
}

// @ts-ignore: decorator
@inline
function found(text: usize, length: u32): void {
  partText = text;
  partLength = length;
}

/** A (offset, length) pair of a record. */
// @ts-ignore: decorator
@inline
function foundPair(record: usize, offset: i32): void {
  found(load<u32>(record + offset), load<u32>(record + offset, 4));
}

/** Expands the part at `part` into `partText` and `partLength`. Numbers hold until the next part is resolved. */
export function resolvePart(part: usize): void {
  found(0, 0);
  const facts = slab + SLAB_FACTS;
  switch (load<u32>(part, PART_KIND)) {
    case PART_LITERAL:
      return found(tableBase + load<u32>(part, PART_TEXT_OFFSET), load<u32>(part, PART_TEXT_LENGTH));
    case PART_REQUEST_HEADER:
    case PART_RESPONSE_HEADER:
      return resolveHeader(part);
    case PART_DOWNSTREAM_REMOTE:
      return foundPair(facts, FACT_DOWNSTREAM_REMOTE);
    case PART_DOWNSTREAM_REMOTE_IP:
      return foundPair(facts, FACT_DOWNSTREAM_REMOTE_IP);
    case PART_DOWNSTREAM_LOCAL:
      return foundPair(facts, FACT_DOWNSTREAM_LOCAL);
    case PART_DOWNSTREAM_LOCAL_IP:
      return foundPair(facts, FACT_DOWNSTREAM_LOCAL_IP);
    case PART_DOWNSTREAM_LOCAL_PORT:
      return foundPair(facts, FACT_DOWNSTREAM_LOCAL_PORT);
    case PART_UPSTREAM_REMOTE:
      return foundPair(facts, FACT_UPSTREAM_REMOTE);
    case PART_UPSTREAM_CLUSTER:
      return foundPair(facts, FACT_UPSTREAM_CLUSTER);
    case PART_START_TIME:
      return foundPair(facts, FACT_START_TIME);
    case PART_ROUTE_NAME:
      return foundPair(facts, FACT_ROUTE_NAME);
    case PART_CORS_ORIGIN:
      return foundPair(facts, FACT_CORS_ORIGIN);
    case PART_CORS_LITERAL:
      if (load<u32>(facts, FACT_CORS_ORIGIN + 4) == 0) return;
      return found(tableBase + load<u32>(part, PART_TEXT_OFFSET), load<u32>(part, PART_TEXT_LENGTH));
    case PART_PROTOCOL:
      return resolveProtocol();
    case PART_RESPONSE_CODE:
      return resolveStatus();
    default:
      return;
  }
}

function resolveProtocol(): void {
  if (!requestReadable) return;
  const old = load<u32>(slab + SLAB_REQUEST, REQUEST_VERSION) == 10;
  found(old ? TEXT_HTTP_10 : TEXT_HTTP_11, TEXT_HTTP_10_LENGTH);
}

function resolveStatus(): void {
  if (!responseReadable) return;
  formatNumber(load<u32>(slab + SLAB_RESPONSE, RESPONSE_STATUS));
  found(numberText, numberLength);
}

/** `%REQ(name?alternative):max%`: the alternative counts when the header itself is not there. */
function resolveHeader(part: usize): void {
  const fromRequest = load<u32>(part, PART_KIND) == PART_REQUEST_HEADER;
  if (fromRequest ? !requestReadable : !responseReadable) return;
  const name = tableBase + load<u32>(part, PART_TEXT_OFFSET);
  const alternative = tableBase + load<u32>(part, PART_ALTERNATIVE_OFFSET);
  const alternativeLength = load<u32>(part, PART_ALTERNATIVE_LENGTH);
  const there = findHeader(fromRequest, name, load<u32>(part, PART_TEXT_LENGTH));
  if (!there && alternativeLength != 0) findHeader(fromRequest, alternative, alternativeLength);
  const limit = load<u32>(part, PART_MAX_BYTES);
  if (limit != 0 && partLength > limit) partLength = limit;
}

function findHeader(fromRequest: bool, name: usize, length: u32): bool {
  if (length == 0) return false;
  if (byteAt(name) == COLON) return fromRequest ? findRequestPseudo(name, length) : findStatusPseudo(name, length);
  let hash = FNV_BASIS;
  for (let index: u32 = 0; index < length; index++) hash = (hash ^ byteAt(name + index)) * FNV_PRIME;
  const table = slab + (fromRequest ? SLAB_REQUEST_HEADERS : SLAB_RESPONSE_HEADERS);
  const count = fromRequest
    ? load<u32>(slab + SLAB_REQUEST, REQUEST_HEADER_COUNT)
    : load<u32>(slab + SLAB_RESPONSE, RESPONSE_HEADER_COUNT);
  const row = findRow(table, count, hash, name, length);
  if (row == 0) return false;
  found(load<u32>(row, HEADER_VALUE_OFFSET), load<u32>(row, HEADER_VALUE_LENGTH));
  return true;
}

/** Envoy's pseudo headers of a request; `:path` is the original one with its query. */
function findRequestPseudo(name: usize, length: u32): bool {
  const record = slab + SLAB_REQUEST;
  if (sameBytes(name, length, TEXT_PATH_PSEUDO, TEXT_PATH_PSEUDO_LENGTH)) {
    findOriginalPath();
    found(originalPath, originalPathLength);
  } else if (sameBytes(name, length, TEXT_METHOD_PSEUDO, TEXT_METHOD_PSEUDO_LENGTH)) {
    found(load<u32>(record, REQUEST_METHOD_OFFSET), load<u32>(record, REQUEST_METHOD_LENGTH));
  } else if (sameBytes(name, length, TEXT_AUTHORITY_PSEUDO, TEXT_AUTHORITY_PSEUDO_LENGTH)) {
    found(load<u32>(record, REQUEST_AUTHORITY_OFFSET), load<u32>(record, REQUEST_AUTHORITY_LENGTH));
  } else if (sameBytes(name, length, TEXT_SCHEME_PSEUDO, TEXT_SCHEME_PSEUDO_LENGTH)) {
    const secure = load<u32>(record, REQUEST_SCHEME) != 0;
    found(secure ? TEXT_HTTPS : TEXT_HTTP, secure ? TEXT_HTTPS_LENGTH : TEXT_HTTP_LENGTH);
  } else {
    return false;
  }
  return true;
}

function findStatusPseudo(name: usize, length: u32): bool {
  if (!sameBytes(name, length, TEXT_STATUS_PSEUDO, TEXT_STATUS_PSEUDO_LENGTH)) return false;
  resolveStatus();
  return true;
}
