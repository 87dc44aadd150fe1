// SPDX-License-Identifier: Apache-2.0
/**
 * One route with one weighted cluster -> the few sections of a rule table that the head writers read, in generation slot 0
 * of a BareEngine. Not the compiler's table: nothing here can be matched.
 */
import * as layout from '../../assembly/layout.js';
import type { BareEngine } from './bare-engine.js';

export interface BarePart {
  readonly kind: number;
  readonly text?: string;
  readonly alternative?: string;
  readonly maxBytes?: number;
}

export interface BareOp {
  readonly op: number;
  readonly name: string;
  readonly parts?: readonly BarePart[];
}

export interface BareRoute {
  readonly rewrite?: { readonly kind: number; readonly path: string; readonly matched: number };
  readonly timeoutMs?: number;
  readonly host?: string;
  readonly requestOps?: readonly BareOp[];
  readonly responseOps?: readonly BareOp[];
  /** Response operations of the route itself (redirect, direct response). */
  readonly routeOps?: readonly BareOp[];
}

export const literal = (text: string): BarePart => ({ kind: layout.PART_LITERAL, text });
export const remove = (name: string): BareOp => ({ op: layout.OP_REMOVE, name });
export const set = (name: string, ...parts: BarePart[]): BareOp => ({ op: layout.OP_SET, name, parts });
export const add = (name: string, ...parts: BarePart[]): BareOp => ({ op: layout.OP_ADD, name, parts });

const ROUTES_AT = 512;
const WEIGHTED_AT = 1024;
const OPS_AT = 2048;
const PARTS_AT = 8192;
const STRINGS_AT = 16384;

export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}

/** Writes the table and points exchange 0 at it. With `routeOnly` the exchange has a route and no weighted cluster. */
export function bindRoute(engine: BareEngine, route: BareRoute, routeOnly = false): void {
  const base = engine.arena;
  const put = (offset: number, value: number): void => engine.view.setUint32(base + offset, value, true);
  let strings = STRINGS_AT;
  const string = (text: string): number => {
    const offset = strings;
    strings += engine.bytes.write(text, base + offset, 'latin1');
    return offset;
  };
  let opCount = 0;
  let partCount = 0;
  const writeOps = (ops: readonly BareOp[] = []): readonly [number, number] => {
    const first = opCount;
    for (const op of ops) {
      const record = OPS_AT + opCount++ * layout.HEADER_OP_SIZE;
      const parts = op.parts ?? [];
      put(record + layout.HEADER_OP_OP, op.op);
      put(record + layout.HEADER_OP_NAME_OFFSET, string(op.name));
      put(record + layout.HEADER_OP_NAME_LENGTH, op.name.length);
      put(record + layout.HEADER_OP_NAME_HASH, fnv1a(op.name));
      put(record + layout.HEADER_OP_PARTS_FIRST, partCount);
      put(record + layout.HEADER_OP_PARTS_COUNT, parts.length);
      for (const part of parts) {
        const place = PARTS_AT + partCount++ * layout.TEMPLATE_PART_SIZE;
        put(place + layout.PART_KIND, part.kind);
        put(place + layout.PART_TEXT_OFFSET, string(part.text ?? ''));
        put(place + layout.PART_TEXT_LENGTH, (part.text ?? '').length);
        put(place + layout.PART_ALTERNATIVE_OFFSET, string(part.alternative ?? ''));
        put(place + layout.PART_ALTERNATIVE_LENGTH, (part.alternative ?? '').length);
        put(place + layout.PART_MAX_BYTES, part.maxBytes ?? 0);
      }
    }
    return [first, ops.length];
  };

  const [requestFirst, requestCount] = writeOps(route.requestOps);
  const [responseFirst, responseCount] = writeOps(route.responseOps);
  const [routeFirst, routeCount] = writeOps(route.routeOps);
  const host = route.host ?? '';
  put(WEIGHTED_AT + layout.WEIGHTED_REQUEST_OPS_FIRST, requestFirst);
  put(WEIGHTED_AT + layout.WEIGHTED_REQUEST_OPS_COUNT, requestCount);
  put(WEIGHTED_AT + layout.WEIGHTED_RESPONSE_OPS_FIRST, responseFirst);
  put(WEIGHTED_AT + layout.WEIGHTED_RESPONSE_OPS_COUNT, responseCount);
  put(WEIGHTED_AT + layout.WEIGHTED_HOST_OFFSET, string(host));
  put(WEIGHTED_AT + layout.WEIGHTED_HOST_LENGTH, host.length);
  const rewrite = route.rewrite ?? { kind: layout.REWRITE_NONE, path: '', matched: 0 };
  put(ROUTES_AT + layout.ROUTE_TIMEOUT_MS, route.timeoutMs ?? 0);
  put(ROUTES_AT + layout.ROUTE_REWRITE_KIND, rewrite.kind);
  put(ROUTES_AT + layout.ROUTE_REWRITE_OFFSET, string(rewrite.path));
  put(ROUTES_AT + layout.ROUTE_REWRITE_LENGTH, rewrite.path.length);
  put(ROUTES_AT + layout.ROUTE_MATCHED_PATH_LENGTH, rewrite.matched);
  put(ROUTES_AT + layout.ROUTE_RESPONSE_OPS_FIRST, routeFirst);
  put(ROUTES_AT + layout.ROUTE_RESPONSE_OPS_COUNT, routeCount);
  const sections: readonly (readonly [number, number, number])[] = [
    [layout.TABLE_ROUTES, 1, ROUTES_AT],
    [layout.TABLE_WEIGHTED, 1, WEIGHTED_AT],
    [layout.TABLE_HEADER_OPS, opCount, OPS_AT],
    [layout.TABLE_TEMPLATE_PARTS, partCount, PARTS_AT],
    [layout.TABLE_STRINGS, strings - STRINGS_AT, STRINGS_AT],
  ];
  for (const [section, count, offset] of sections) {
    put(section, count);
    put(section + 4, offset);
  }
  engine.setExchange(0, layout.EXCHANGE_GENERATION, 0);
  engine.setExchange(0, layout.EXCHANGE_ROUTE, 0);
  engine.setExchange(0, layout.EXCHANGE_WEIGHTED, routeOnly ? -1 : 0);
}
