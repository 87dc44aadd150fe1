// SPDX-License-Identifier: Apache-2.0
/**
 * Syntax tree -> Thompson NFA over UTF-8 bytes. It is built from the end of the pattern to its start, so that every state
 * is complete when it is made (only loops are closed afterwards) and a character class is laid out once per place.
 * Counted repetitions are copied out, hence the limits: without them `.{1000}\pL{1000}` would be half a million states.
 */
import type { Assertion, RegexNode } from './ast.js';
import type { CodePointSet } from './code-point-set.js';
import { END_OF_CHARACTER, utf8Graph } from './utf8-ranges.js';
import type { ByteEdge, Utf8Graph } from './utf8-ranges.js';

export type NfaState =
  | { readonly kind: 'accept' }
  /** Reads one byte; the edges are ascending and disjoint, their targets states. */
  | { readonly kind: 'bytes'; readonly edges: readonly ByteEdge[] }
  /** Continues in all targets at once. */
  | { readonly kind: 'split'; readonly targets: readonly number[] }
  /** Continues only where the assertion holds. */
  | { readonly kind: 'assert'; readonly assertion: Assertion; readonly target: number };

/** State 0 accepts. */
export interface Nfa {
  readonly states: readonly NfaState[];
  readonly start: number;
}

export const ACCEPT_STATE = 0;

/** Twice what `.{1000}` needs; it also keeps a state number within one UTF-16 unit. */
const MAX_STATES = 20_000;

/** Edges are where the memory goes: `\pL` has 1125 of them in 300 states. */
const MAX_EDGES = 100_000;

/** Builds the NFA of a match of the whole text; undefined when it would be too large. */
export function buildNfa(ast: RegexNode): Nfa | undefined {
  const builder = new NfaBuilder();
  const start = builder.build(ast, ACCEPT_STATE);
  return builder.overflowed ? undefined : { states: builder.states, start };
}

class NfaBuilder {
  readonly states: NfaState[] = [{ kind: 'accept' }];
  overflowed = false;
  readonly #graphs = new Map<CodePointSet, Utf8Graph>();
  #edgeCount = 0;

  /** Adds the states that match `node` and then continue in `next`; returns the first. Stops adding after an overflow. */
  build(node: RegexNode, next: number): number {
    if (this.overflowed) return next;
    switch (node.kind) {
      case 'empty':
        return next;
      case 'chars':
        return this.#characters(node.set, next);
      case 'assertion':
        return this.#add({ kind: 'assert', assertion: node.assertion, target: next });
      case 'group':
        return this.build(node.body, next);
      case 'concat':
        return node.parts.reduceRight((following, part) => this.build(part, following), next);
      case 'alternate': {
        const targets = node.branches.map((branch) => this.build(branch, next));
        return this.#add({ kind: 'split', targets });
      }
      case 'repeat':
        return this.#repeat(node.body, node.min, node.max, next);
    }
  }

  #repeat(body: RegexNode, min: number, max: number, next: number): number {
    let first = next;
    let copies = min;
    if (max === Infinity) {
      const loop = this.#add({ kind: 'split', targets: [] });
      const again = this.build(body, loop);
      this.states[loop] = { kind: 'split', targets: [again, next] };
      first = min === 0 ? loop : again;
      copies = Math.max(min - 1, 0);
    } else {
      for (let optional = min; optional < max; optional++) {
        const once = this.build(body, first);
        first = this.#add({ kind: 'split', targets: [once, next] });
      }
    }
    for (; copies > 0; copies--) first = this.build(body, first);
    return first;
  }

  #characters(set: CodePointSet, next: number): number {
    let graph = this.#graphs.get(set);
    if (graph === undefined) {
      graph = utf8Graph(set);
      this.#graphs.set(set, graph);
    }
    const placed: number[] = [];
    for (const edges of graph) {
      this.#edgeCount += edges.length;
      placed.push(
        this.#add({
          kind: 'bytes',
          edges: edges.map(({ lo, hi, target }) => ({
            lo,
            hi,
            target: target === END_OF_CHARACTER ? next : (placed[target] as number),
          })),
        }),
      );
    }
    return placed.at(-1) as number;
  }

  #add(state: NfaState): number {
    if (this.states.length >= MAX_STATES || this.#edgeCount > MAX_EDGES) {
      this.overflowed = true;
      return ACCEPT_STATE;
    }
    this.states.push(state);
    return this.states.length - 1;
  }
}
