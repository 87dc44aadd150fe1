// SPDX-License-Identifier: Apache-2.0
/**
 * The path that goes upstream: REQUEST_PATH, or what the route's rewrite makes of it (Istio's `rewrite.uri` and
 * `uriRegexRewrite`; Envoy's `prefix_rewrite`, which cleans up no slashes). The query is never touched.
 */
import { byteAt, COLON, QUESTION, SLASH } from './bytes';
import { routeRecord, tableBase } from './exchange-route';
import {
  FACT_REWRITTEN_PATH,
  METHOD_CONNECT,
  REQUEST_HAS_QUERY,
  REQUEST_METHOD_ID,
  REQUEST_PATH_LENGTH,
  REQUEST_PATH_OFFSET,
  REQUEST_QUERY_LENGTH,
  REQUEST_QUERY_OFFSET,
  REQUEST_TARGET_LENGTH,
  REQUEST_TARGET_OFFSET,
  REWRITE_NONE,
  REWRITE_PATH,
  REWRITE_REGEX,
  ROUTE_MATCHED_PATH_LENGTH,
  ROUTE_REWRITE_KIND,
  ROUTE_REWRITE_LENGTH,
  ROUTE_REWRITE_OFFSET,
  SLAB_FACTS,
  SLAB_REQUEST,
} from './layout';
import { output, putBytes } from './output';
import { TEXT_QUESTION, TEXT_QUESTION_LENGTH, TEXT_SLASH, TEXT_SLASH_LENGTH } from './tables';
import { slab } from './thread';

/** Path and query as they were received, of the findOriginalPath call before. */
export let originalPath: usize = 0;
export let originalPathLength: u32 = 0;

/** Locates the received path and query; of an absolute target, what comes after the authority, `/` when nothing does. */
export function findOriginalPath(): void {
  const record = slab + SLAB_REQUEST;
  const target = <usize>load<u32>(record, REQUEST_TARGET_OFFSET);
  const end = target + load<u32>(record, REQUEST_TARGET_LENGTH);
  let path = target;
  // `*` has no scheme to skip, and neither has CONNECT's authority a path behind it.
  if (byteAt(target) != SLASH && end - target > 1 && load<u32>(record, REQUEST_METHOD_ID) != METHOD_CONNECT) {
    while (byteAt(path) != COLON) path++;
    path += 3;
    while (path < end && byteAt(path) != SLASH && byteAt(path) != QUESTION) path++;
  }
  const missing = path == end || byteAt(path) == QUESTION;
  originalPath = missing ? TEXT_SLASH : path;
  originalPathLength = missing ? TEXT_SLASH_LENGTH : <u32>(end - path);
}

/** Does the bound exchange's route rewrite the path? */
export function rewritesPath(): bool {
  return routeRecord != 0 && load<u32>(routeRecord, ROUTE_REWRITE_KIND) != REWRITE_NONE;
}

/** Writes the request target for the upstream, in origin-form (CONNECT: the target as it is). */
export function putTarget(): void {
  const record = slab + SLAB_REQUEST;
  if (load<u32>(record, REQUEST_METHOD_ID) == METHOD_CONNECT) {
    putBytes(load<u32>(record, REQUEST_TARGET_OFFSET), load<u32>(record, REQUEST_TARGET_LENGTH));
    return;
  }
  const start = output;
  putPath(record);
  // An empty path would shift the request line's fields.
  if (output == start) putBytes(TEXT_SLASH, TEXT_SLASH_LENGTH);
  if (load<u32>(record, REQUEST_HAS_QUERY) == 0) return;
  putBytes(TEXT_QUESTION, TEXT_QUESTION_LENGTH);
  putBytes(load<u32>(record, REQUEST_QUERY_OFFSET), load<u32>(record, REQUEST_QUERY_LENGTH));
}

function putPath(record: usize): void {
  const path = <usize>load<u32>(record, REQUEST_PATH_OFFSET);
  const length = load<u32>(record, REQUEST_PATH_LENGTH);
  const computedLength = load<u32>(slab + SLAB_FACTS, FACT_REWRITTEN_PATH + 4);
  const kind = rewritesPath() ? load<u32>(routeRecord, ROUTE_REWRITE_KIND) : REWRITE_NONE;
  if (kind == REWRITE_PATH) {
    // WHOLE_PATH is above every length, so it leaves no rest.
    const matched = min<u32>(load<u32>(routeRecord, ROUTE_MATCHED_PATH_LENGTH), length);
    putBytes(tableBase + load<u32>(routeRecord, ROUTE_REWRITE_OFFSET), load<u32>(routeRecord, ROUTE_REWRITE_LENGTH));
    putBytes(path + matched, length - matched);
  } else if (kind == REWRITE_REGEX && computedLength != 0) {
    putBytes(load<u32>(slab + SLAB_FACTS, FACT_REWRITTEN_PATH), computedLength);
  } else {
    putBytes(path, length);
  }
}
