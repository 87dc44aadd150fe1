// SPDX-License-Identifier: Apache-2.0
/**
 * DFA -> the smallest equivalent one, by Hopcroft's partition refinement (n log n in the states, where simple refinement
 * is quadratic on the long chains that counted repetitions give), then byte classes with equal columns become one.
 */
import { DEAD_STATE, RAW_START_STATE } from './determinize.js';
import type { RawDfa } from './determinize.js';

/** `classOf`, `transitions` and `accepting` as in RawDfa; state 0 is dead even when nothing leads to it. */
export interface MinimalDfa extends RawDfa {
  readonly start: number;
}

/** States keep the order of the first of those that they stand for, so the result depends on the pattern only. */
export function minimize(dfa: RawDfa): MinimalDfa {
  const blockOf = new Refinement(dfa).run();
  const numberOf = new Map<number, number>([[blockOf[DEAD_STATE] as number, DEAD_STATE]]);
  const representatives = [DEAD_STATE];
  for (let state = 0; state < dfa.stateCount; state++) {
    const block = blockOf[state] as number;
    if (numberOf.has(block)) continue;
    numberOf.set(block, representatives.length);
    representatives.push(state);
  }
  const newNumber = (state: number): number => numberOf.get(blockOf[state] as number) as number;
  const columns = Array.from({ length: dfa.classCount }, (_, byteClass) =>
    representatives.map((state) => newNumber(dfa.transitions[state * dfa.classCount + byteClass] as number)),
  );
  return {
    ...mergeColumns(columns, dfa.classOf),
    stateCount: representatives.length,
    accepting: Uint8Array.from(representatives, (state) => dfa.accepting[state] as number),
    start: newNumber(RAW_START_STATE),
  };
}

/** Lays out one column per distinct content. */
function mergeColumns(
  columns: readonly (readonly number[])[],
  classOf: Uint8Array,
): Pick<RawDfa, 'classCount' | 'classOf' | 'transitions'> {
  const distinct = new Map<string, number>();
  const kept: (readonly number[])[] = [];
  const merged = columns.map((column) => {
    const key = column.join();
    const known = distinct.get(key);
    if (known !== undefined) return known;
    distinct.set(key, kept.length);
    return kept.push(column) - 1;
  });
  const stateCount = kept[0]?.length ?? 0;
  const transitions = new Uint32Array(stateCount * kept.length);
  for (const [byteClass, column] of kept.entries()) {
    for (const [state, target] of column.entries()) transitions[state * kept.length + byteClass] = target;
  }
  return { classCount: kept.length, classOf: classOf.map((old) => merged[old] as number), transitions };
}

/** A partition of the states into blocks, each a run of `#order`, split until no class tells two members apart. */
class Refinement {
  readonly #dfa: RawDfa;
  readonly #order: Uint32Array;
  readonly #position: Uint32Array;
  readonly #blockOf: Uint32Array;
  readonly #first: number[] = [];
  readonly #end: number[] = [];
  /** Members of a block that have been moved to its front as predecessors of the current splitter. */
  readonly #marked: number[] = [];
  /** `block * classCount + class` still to be used as splitters. */
  readonly #pending: number[] = [];
  readonly #predecessorStart: Uint32Array;
  readonly #predecessors: Uint32Array;

  constructor(dfa: RawDfa) {
    this.#dfa = dfa;
    this.#order = new Uint32Array(dfa.stateCount);
    this.#position = new Uint32Array(dfa.stateCount);
    this.#blockOf = new Uint32Array(dfa.stateCount);
    this.#predecessorStart = new Uint32Array(dfa.stateCount * dfa.classCount + 1);
    this.#predecessors = new Uint32Array(dfa.stateCount * dfa.classCount);
  }

  /** The block of each state. */
  run(): Uint32Array {
    this.#indexPredecessors();
    this.#separateAccepting();
    for (let splitter = this.#pending.pop(); splitter !== undefined; splitter = this.#pending.pop()) {
      const byteClass = splitter % this.#dfa.classCount;
      this.#refine((splitter - byteClass) / this.#dfa.classCount, byteClass);
    }
    return this.#blockOf;
  }

  /** Predecessors of `state` by `class` end up at `#predecessorStart[state * classCount + class]` up to the next one's. */
  #indexPredecessors(): void {
    const { classCount, transitions } = this.#dfa;
    const starts = this.#predecessorStart;
    const slotOf = (index: number): number => (transitions[index] as number) * classCount + (index % classCount);
    for (let index = 0; index < transitions.length; index++) {
      const slot = slotOf(index);
      starts[slot] = (starts[slot] as number) + 1;
    }
    let sum = 0;
    for (let slot = 0; slot < starts.length; slot++) starts[slot] = sum += starts[slot] as number;
    for (let index = transitions.length - 1; index >= 0; index--) {
      const slot = slotOf(index);
      const place = (starts[slot] as number) - 1;
      starts[slot] = place;
      this.#predecessors[place] = Math.floor(index / classCount);
    }
  }

  #separateAccepting(): void {
    const { stateCount, accepting, classCount } = this.#dfa;
    let place = 0;
    for (const wanted of [0, 1]) {
      const first = place;
      for (let state = 0; state < stateCount; state++) {
        if (accepting[state] !== wanted) continue;
        this.#order[place] = state;
        this.#position[state] = place++;
        this.#blockOf[state] = this.#first.length;
      }
      if (place > first) this.#addBlock(first, place);
    }
    for (let splitter = 0; splitter < this.#first.length * classCount; splitter++) this.#pending.push(splitter);
  }

  #addBlock(first: number, end: number): void {
    this.#first.push(first);
    this.#end.push(end);
    this.#marked.push(0);
  }

  #refine(block: number, byteClass: number): void {
    const { classCount } = this.#dfa;
    const members = this.#order.slice(this.#first[block], this.#end[block]);
    const touched: number[] = [];
    for (const member of members) {
      const slot = member * classCount + byteClass;
      const end = this.#predecessorStart[slot + 1] as number;
      for (let place = this.#predecessorStart[slot] as number; place < end; place++) {
        this.#mark(this.#predecessors[place] as number, touched);
      }
    }
    for (const split of touched) this.#split(split);
  }

  #mark(state: number, touched: number[]): void {
    const block = this.#blockOf[state] as number;
    const marked = this.#marked[block] as number;
    if (marked === 0) touched.push(block);
    this.#swap(this.#position[state] as number, (this.#first[block] as number) + marked);
    this.#marked[block] = marked + 1;
  }

  #swap(left: number, right: number): void {
    const leftState = this.#order[left] as number;
    const rightState = this.#order[right] as number;
    this.#order[left] = rightState;
    this.#order[right] = leftState;
    this.#position[rightState] = left;
    this.#position[leftState] = right;
  }

  /**
   * Parts the marked from the unmarked members. The smaller part becomes the new block and a splitter: whatever splits by
   * the whole and by one part splits by the other too.
   */
  #split(block: number): void {
    const first = this.#first[block] as number;
    const end = this.#end[block] as number;
    const middle = first + (this.#marked[block] as number);
    this.#marked[block] = 0;
    if (middle === end) return;
    const added = this.#first.length;
    if (middle - first <= end - middle) {
      this.#addBlock(first, middle);
      this.#first[block] = middle;
    } else {
      this.#addBlock(middle, end);
      this.#end[block] = middle;
    }
    for (let place = this.#first[added] as number; place < (this.#end[added] as number); place++) {
      this.#blockOf[this.#order[place] as number] = added;
    }
    const { classCount } = this.#dfa;
    for (let byteClass = 0; byteClass < classCount; byteClass++) this.#pending.push(added * classCount + byteClass);
  }
}
