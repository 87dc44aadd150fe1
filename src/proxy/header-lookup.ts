// SPDX-License-Identifier: Apache-2.0
/** A header of the parsed request or response as a string, for the few decisions that are made outside the engine. */
import * as layout from '../../assembly/layout.js';
import type { Engine } from '../engine/engine.js';

/** The first line of that name (lower case); undefined when there is none. */
export function findHeader(engine: Engine, side: 'request' | 'response', name: string): string | undefined {
  const { slab, words, buffer } = engine;
  const isRequest = side === 'request';
  const table = slab + (isRequest ? layout.SLAB_REQUEST_HEADERS : layout.SLAB_RESPONSE_HEADERS);
  const counter = isRequest
    ? layout.SLAB_REQUEST + layout.REQUEST_HEADER_COUNT
    : layout.SLAB_RESPONSE + layout.RESPONSE_HEADER_COUNT;
  const count = words[(slab + counter) >> 2] ?? 0;
  for (let index = 0; index < count; index++) {
    const row = (table + index * layout.HEADER_ROW_SIZE) >> 2;
    if (words[row + layout.HEADER_NAME_LENGTH / 4] !== name.length) continue;
    const at = words[row + layout.HEADER_NAME_OFFSET / 4] ?? 0;
    if (buffer.toString('latin1', at, at + name.length).toLowerCase() !== name) continue;
    const value = words[row + layout.HEADER_VALUE_OFFSET / 4] ?? 0;
    return buffer.toString('latin1', value, value + (words[row + layout.HEADER_VALUE_LENGTH / 4] ?? 0));
  }
  return undefined;
}
