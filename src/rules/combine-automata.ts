// SPDX-License-Identifier: Apache-2.0
/**
 * DFAs of several path patterns -> few automata that answer for many patterns in one walk: product automata whose accepting
 * states say which routes match. Patterns with different literals multiply little (most pairs of states are dead on one
 * side), patterns that begin with `.*` multiply fully; so automata are merged two by two while the product stays small, and
 * what grows too large is left as it is. All bounds are counts, so that equal models give equal tables.
 */

/** State 0 is dead. */
export interface Automaton {
  readonly classCount: number;
  readonly stateCount: number;
  readonly classOf: Uint8Array;
  /** Next state, at `state * classCount + class`. */
  readonly transitions: Uint16Array | Uint32Array;
  readonly start: number;
}

export interface RouteAutomaton extends Automaton {
  /** For each state the number of a set in AcceptSets. */
  readonly accepts: Uint32Array;
  readonly routeCount: number;
}

/** Rows of one product: 2^20 transitions are 4 MiB of table, beyond which a walk misses the cache at every byte. */
const MAX_TRANSITIONS = 1 << 20;

/**
 * A product may have this many times the states of its two sides together (and always SMALL_PRODUCT). Patterns that share
 * or part ways early stay below 1; two that search the whole path multiply, and then separate walks are the better deal.
 */
const MAX_GROWTH = 4;
const SMALL_PRODUCT = 256;

/** Transitions that may be looked at for one prefix of one virtual host: some tenths of a second. */
const MAX_STEPS = 16_000_000;

/** Routes in all accepting sets of one prefix together: 4 MiB of candidates. */
const MAX_SET_ENTRIES = 1 << 20;

/** Sets of routes, each stored once. Set 0 is empty. */
export class AcceptSets {
  readonly #sets: (readonly number[])[] = [[]];
  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #unions = new Map<string, number>();
  #entryCount = 0;

  get isFull(): boolean {
    return this.#entryCount > MAX_SET_ENTRIES;
  }

  /** `routes` ascend. */
  numberOf(routes: readonly number[]): number {
    const key = routes.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#sets.push(routes) - 1;
    this.#numbers.set(key, number);
    this.#entryCount += routes.length;
    return number;
  }

  routesOf(set: number): readonly number[] {
    return this.#sets[set] ?? [];
  }

  union(left: number, right: number): number {
    if (left === 0 || left === right) return right;
    if (right === 0) return left;
    const key = `${left},${right}`;
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const both = [...new Set([...this.routesOf(left), ...this.routesOf(right)])].sort((a, b) => a - b);
    const number = this.numberOf(both);
    this.#unions.set(key, number);
    return number;
  }
}

interface MergedClasses {
  readonly classOf: Uint8Array;
  /** Class of each side, by merged class. */
  readonly left: number[];
  readonly right: number[];
}

/** Bytes that neither side tells apart stay together. */
function mergeClasses(left: Automaton, right: Automaton): MergedClasses {
  const merged: MergedClasses = { classOf: new Uint8Array(256), left: [], right: [] };
  const numbers = new Map<number, number>();
  for (let byte = 0; byte < 256; byte++) {
    const leftClass = left.classOf[byte] ?? 0;
    const rightClass = right.classOf[byte] ?? 0;
    const key = leftClass * 256 + rightClass;
    let number = numbers.get(key);
    if (number === undefined) {
      number = merged.left.push(leftClass) - 1;
      merged.right.push(rightClass);
      numbers.set(key, number);
    }
    merged.classOf[byte] = number;
  }
  return merged;
}

interface Budget {
  steps: number;
}

/** The product of two automata, or undefined when it is too large or the budget is spent. */
function multiply(
  left: RouteAutomaton,
  right: RouteAutomaton,
  sets: AcceptSets,
  budget: Budget,
): RouteAutomaton | undefined {
  const classes = mergeClasses(left, right);
  const classCount = classes.left.length;
  const growth = Math.max(SMALL_PRODUCT, MAX_GROWTH * (left.stateCount + right.stateCount));
  const maxStates = Math.min(growth, Math.floor(MAX_TRANSITIONS / classCount));
  const width = right.stateCount;
  const numbers = new Map<number, number>([[0, 0]]);
  const pairs = [0];
  const numberOf = (pair: number): number => {
    let number = numbers.get(pair);
    if (number === undefined) {
      number = pairs.push(pair) - 1;
      numbers.set(pair, number);
    }
    return number;
  };
  const start = numberOf(left.start * width + right.start);
  const transitions: number[] = [];
  for (let state = 0; state < pairs.length; state++) {
    budget.steps -= classCount;
    if (pairs.length > maxStates || budget.steps < 0) return undefined;
    const pair = pairs[state] ?? 0;
    const leftRow = Math.floor(pair / width) * left.classCount;
    const rightRow = (pair % width) * right.classCount;
    let lastPair = 0;
    let lastNumber = 0;
    for (let index = 0; index < classCount; index++) {
      const nextLeft = left.transitions[leftRow + (classes.left[index] ?? 0)] ?? 0;
      const nextRight = right.transitions[rightRow + (classes.right[index] ?? 0)] ?? 0;
      const next = nextLeft * width + nextRight;
      if (next !== lastPair) {
        lastPair = next;
        lastNumber = next === 0 ? 0 : numberOf(next);
      }
      transitions.push(lastNumber);
    }
  }
  const accepts = new Uint32Array(pairs.length);
  for (const [state, pair] of pairs.entries()) {
    accepts[state] = sets.union(left.accepts[Math.floor(pair / width)] ?? 0, right.accepts[pair % width] ?? 0);
    if (sets.isFull) return undefined;
  }
  return {
    classCount,
    stateCount: pairs.length,
    classOf: classes.classOf,
    transitions: Uint32Array.from(transitions),
    start,
    accepts,
    routeCount: left.routeCount + right.routeCount,
  };
}

/** Whether some first byte settles it; not so for patterns that begin with `.*`. */
function refusesFirstBytes(automaton: Automaton): boolean {
  const row = automaton.start * automaton.classCount;
  return automaton.transitions.subarray(row, row + automaton.classCount).includes(0);
}

/**
 * Merges automata as far as the bounds allow. The order of the result has no meaning; each route is in exactly one of them.
 */
export function combineAutomata(automata: readonly RouteAutomaton[], sets: AcceptSets): RouteAutomaton[] {
  const budget = { steps: MAX_STEPS };
  const done: RouteAutomaton[] = [];
  // Those that multiply fully stand together at the end, so that they do not spoil the others.
  let level = [...automata.filter(refusesFirstBytes), ...automata.filter((automaton) => !refusesFirstBytes(automaton))];
  while (level.length > 1) {
    const next: RouteAutomaton[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] as RouteAutomaton;
      const right = level[index + 1];
      const product = right && multiply(left, right, sets, budget);
      if (product) next.push(product);
      else if (right) done.push(left, right);
      else next.push(left);
    }
    level = next;
  }
  return [...done, ...level];
}
