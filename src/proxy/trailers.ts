// SPDX-License-Identifier: Apache-2.0
/**
 * The trailer section of a chunked message -> the field lines of it that go on to the next hop. The engine has checked its
 * syntax and bounded its size; here pieces are brought together and fields are dropped that would act on a message of which
 * the recipient has already decided how to treat it (RFC 9110 6.5.1). In JavaScript, because hardly a message has trailers.
 */
import * as layout from '../../assembly/layout.js';
import type { Engine } from '../engine/engine.js';

/** Of a message without trailers the section is this empty line. */
const EMPTY_LINE_BYTES = 2;
const NOTHING = Buffer.alloc(0);

/** Framing, routing, authentication, request modifiers, response control, and what proxies vouch for. */
const NEVER_IN_TRAILERS = new Set([
  ...['age', 'authentication-info', 'authorization', 'cache-control', 'connection', 'cookie', 'date', 'early-data'],
  ...['expect', 'expires', 'forwarded', 'host', 'http2-settings', 'keep-alive', 'location', 'max-forwards', 'pragma'],
  ...[
    'range',
    'retry-after',
    'server',
    'set-cookie',
    'strict-transport-security',
    'te',
    'trailer',
    'transfer-encoding',
  ],
  ...['upgrade', 'vary', 'via', 'warning', 'www-authenticate', 'x-request-id', 'x-weft-reason'],
]);
const NEVER_BY_PREFIX = ['access-control-', 'content-', 'if-', 'proxy-', 'sec-', 'x-envoy-', 'x-forwarded-'];
/** RFC 9530 2 defines it for trailers. */
const ALLOWED_ALL_THE_SAME = 'content-digest';

function mayGoOn(name: string): boolean {
  if (name === ALLOWED_ALL_THE_SAME) return true;
  return !NEVER_IN_TRAILERS.has(name) && !NEVER_BY_PREFIX.some((prefix) => name.startsWith(prefix));
}

/** Field lines, each with its CRLF, of a section that ends with its empty line; more than a head may have are all dropped. */
export function forwardableTrailers(section: Buffer): Buffer {
  const lines = section.toString('latin1').split('\r\n').slice(0, -2);
  if (lines.length > layout.DEFAULT_MAX_HEADERS) return NOTHING;
  let kept = '';
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (mayGoOn(name)) kept += `${name}: ${line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')}\r\n`;
  }
  return Buffer.from(kept, 'latin1');
}

/** The trailer section of one message after the other on a connection. */
export class TrailerSection {
  #kept: Buffer = NOTHING;
  #isDropped = false;

  /** A message begins. `hasNamedOptions`: fields that its Connection names end here, and its trailers could be among them. */
  begin(hasNamedOptions: boolean): void {
    this.#kept = NOTHING;
    this.#isDropped = hasNamedOptions;
  }

  /** After a call of decodeChunked: takes its piece of the section. Returns the lines that go on once the message is `done`. */
  take(engine: Engine, done: boolean): Buffer {
    const result = (engine.slab + layout.SLAB_RESULT) >> 2;
    const length = engine.words[result + layout.RESULT_TRAILERS_LENGTH / 4] ?? 0;
    if (length === 0 || this.#isDropped) return NOTHING;
    if (done && this.#kept.length + length === EMPTY_LINE_BYTES) return NOTHING;
    const offset = engine.words[result + layout.RESULT_TRAILERS_OFFSET / 4] ?? 0;
    this.#kept = Buffer.concat([this.#kept, engine.buffer.subarray(offset, offset + length)]);
    return done ? forwardableTrailers(this.#kept) : NOTHING;
  }
}
