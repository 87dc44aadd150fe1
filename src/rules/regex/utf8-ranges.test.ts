// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalSet, MAX_CODE_POINT } from './code-point-set.js';
import { END_OF_CHARACTER, utf8Graph } from './utf8-ranges.js';
import type { Utf8Graph } from './utf8-ranges.js';

/** Whether the bytes lead from the root to the end of a character. */
function holds(graph: Utf8Graph, bytes: Uint8Array): boolean {
  let at = graph.length - 1;
  for (const [position, byte] of bytes.entries()) {
    const edge = graph[at]?.find(({ lo, hi }) => lo <= byte && byte <= hi);
    if (edge === undefined) return false;
    if (edge.target === END_OF_CHARACTER) return position === bytes.length - 1;
    at = edge.target;
  }
  return false;
}

describe('utf8Graph', () => {
  it('of ASCII is one node', () => {
    expect(utf8Graph([0x30, 0x39])).toEqual([[{ lo: 0x30, hi: 0x39, target: END_OF_CHARACTER }]]);
  });

  it('of no characters is a root without edges', () => {
    expect(utf8Graph([])).toEqual([[]]);
    expect(utf8Graph([0xd800, 0xdfff])).toEqual([[]]);
  });

  it('shares equal tails', () => {
    expect(utf8Graph([0, MAX_CODE_POINT])).toHaveLength(8);
  });

  it('holds exactly the encodings of the members', () => {
    const edges = [0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x3ffff, 0x10ffff];
    const codePoint = fc.oneof(
      fc.constantFrom(...edges),
      fc.nat(MAX_CODE_POINT).filter((at) => at < 0xd800 || at > 0xdfff),
    );
    const range = fc.tuple(codePoint, codePoint).map(([left, right]) => [Math.min(left, right), Math.max(left, right)]);
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(fc.array(range, { maxLength: 5 }), fc.array(codePoint, { maxLength: 30 }), (ranges, probes) => {
        const graph = utf8Graph(canonicalSet(ranges.flat()));
        for (const probe of [...ranges.flat(), ...probes]) {
          const expected = ranges.some(([lo, hi]) => (lo as number) <= probe && probe <= (hi as number));
          expect(holds(graph, encoder.encode(String.fromCodePoint(probe)))).toBe(expected);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
