// SPDX-License-Identifier: Apache-2.0
/**
 * The table walk against two other engines, over generated patterns and texts. A pattern and texts that (mostly) match it
 * are generated together, because random texts hardly ever match.
 */
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compileDfa, runDfa } from './dfa.js';
import type { Dfa } from './dfa.js';
import { literalPrefix } from './literal-prefix.js';

/** A pattern, and a text for it made by following the choices; assertions are taken to hold. */
interface Piece {
  readonly pattern: string;
  readonly text: (choose: Choose) => string;
}

/** A number below the bound. */
type Choose = (bound: number) => number;

interface Syntax {
  /** Patterns of one character, each with some texts that it matches. */
  readonly characters: readonly (readonly [pattern: string, texts: readonly string[]])[];
  readonly assertions: readonly string[];
  readonly groups: readonly string[];
}

/**
 * Where RE2 and JavaScript with the flags `u` and `s` mean the same. The Unicode classes are small ones: large ones take most
 * of the time, and combined may exceed the bounds.
 */
const SHARED: Syntax = {
  characters: [
    ['a', ['a']],
    ['b', ['b']],
    ['é', ['é']],
    ['\\/', ['/']],
    ['\\n', ['\n']],
    ['.', ['a', '\n', 'é', '€', '😀']],
    ['[ab]', ['a', 'b']],
    ['[^a]', ['b', '\n', '€']],
    ['[a-cé-ü]', ['b', 'ü']],
    ['[\\d_-]', ['7', '-']],
    ['\\w', ['a', '_', '0']],
    ['\\D', ['a', 'é']],
    ['\\p{Zs}', [' ', '\u2003']],
    ['\\P{Zs}', ['a', '1', '😀']],
    ['[\\x{10000}-\\x{1FFFF}]', ['😀']],
  ],
  assertions: ['^', '$', '\\b', '\\B'],
  groups: ['(', '(?:'],
};

const RE2_ONLY: Syntax = {
  characters: [
    ...SHARED.characters,
    ['\\s', [' ', '\t']],
    ['\\pZ', [' ', '\u2028']],
    ['\\Qa.\\E', ['a.']],
    ['[[:alpha:]\\x{20AC}]', ['q', '€']],
    ['[^[:^digit:]]', ['3']],
    ['(?i:k)', ['k', 'K', '\u212a']],
    ['(?i:[^s])', ['a']],
    ['(?i:\\p{Lt})', ['ǅ', 'ǆ']],
    ['(?i:\\P{^Lt})', ['Ǆ', 'ᾳ']],
    ['(?s:.)', ['\n']],
    ['\\141', ['a']],
    ['[^\\x00-\\x{10FFFF}]', ['a']],
  ],
  assertions: [...SHARED.assertions, '\\A', '\\z', '(?m:^)', '(?m:$)'],
  groups: [...SHARED.groups, '(?i:', '(?s:', '(?m:', '(?U:'],
};

const COUNTS = [
  ['*', 0, 3],
  ['+', 1, 3],
  ['?', 0, 1],
  ['*?', 0, 3],
  ['{2}', 2, 2],
  ['{0}', 0, 0],
  ['{1,3}', 1, 3],
  ['{2,}', 2, 4],
] as const;

function pieces(syntax: Syntax): fc.Arbitrary<Piece> {
  const character = fc
    .constantFrom(...syntax.characters)
    .map(([pattern, texts]): Piece => ({ pattern, text: (choose) => texts[choose(texts.length)] ?? '' }));
  const assertion = fc.constantFrom(...syntax.assertions).map((pattern): Piece => ({ pattern, text: () => '' }));
  const { piece } = fc.letrec<{ piece: Piece; atom: Piece; group: Piece }>((tie) => ({
    piece: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 3, arbitrary: character },
      { weight: 1, arbitrary: assertion },
      { weight: 2, arbitrary: tie('group') },
      { weight: 3, arbitrary: fc.array(tie('piece'), { maxLength: 4 }).map(sequence) },
      { weight: 2, arbitrary: fc.tuple(tie('atom'), fc.constantFrom(...COUNTS)).map(repetition) },
    ),
    atom: fc.oneof({ depthSize: 'small' }, { weight: 3, arbitrary: character }, { weight: 1, arbitrary: tie('group') }),
    group: fc
      .tuple(fc.constantFrom(...syntax.groups), fc.array(tie('piece'), { minLength: 1, maxLength: 3 }))
      .map(group),
  }));
  return piece;
}

function sequence(parts: readonly Piece[]): Piece {
  return {
    pattern: parts.map((part) => part.pattern).join(''),
    text: (choose) => parts.map((part) => part.text(choose)).join(''),
  };
}

function group([opening, branches]: readonly [string, readonly Piece[]]): Piece {
  return {
    pattern: `${opening}${branches.map((branch) => branch.pattern).join('|')})`,
    text: (choose) => branches[choose(branches.length)]?.text(choose) ?? '',
  };
}

function repetition([body, [mark, min, max]]: readonly [Piece, (typeof COUNTS)[number]]): Piece {
  return {
    // A character may be written as several (\Q…\E), of which a bare count would repeat the last only.
    pattern: `(?:${body.pattern})${mark}`,
    text: (choose) => Array.from({ length: min + choose(max - min + 1) }, () => body.text(choose)).join(''),
  };
}

/** A pattern with texts: some made for it, some of these with one character put in or taken out, some arbitrary. */
function cases(syntax: Syntax): fc.Arbitrary<{ pattern: string; texts: string[] }> {
  const spoiling = fc.constantFrom('a', 'b', '\n', 'é', '😀', '_', ' ', 'K');
  const arbitraryText = fc.array(spoiling, { maxLength: 6 }).map((characters) => characters.join(''));
  const choices = fc.array(fc.nat(1000), { minLength: 8, maxLength: 8 });
  return fc
    .tuple(pieces(syntax), fc.array(choices, { minLength: 3, maxLength: 3 }), spoiling, fc.nat(1000), arbitraryText)
    .map(([piece, choiceLists, spoiler, place, other]) => {
      const made = choiceLists.map((list) => [...piece.text(chooser(list))].slice(0, 24));
      const spoiled = made.map((text) => text.toSpliced(place % (text.length + 1), place % 2, spoiler));
      return { pattern: piece.pattern, texts: [...[...made, ...spoiled].map((text) => text.join('')), other, ''] };
    });
}

function chooser(list: readonly number[]): Choose {
  let turn = 0;
  return (bound) => (list[turn++ % list.length] as number) % bound;
}

const encoder = new TextEncoder();

/** A generated pattern may be one whose automaton has no bounded size, which the host runs: nothing is to be compared then. */
function dfaOf(pattern: string): Dfa {
  const compiled = compileDfa(pattern);
  fc.pre(compiled.kind !== 'too-large');
  if (compiled.kind !== 'dfa') throw new Error(`${pattern}: ${compiled.kind}`);
  return compiled.dfa;
}

describe('the DFA of a generated pattern', () => {
  it('agrees with re2js on the whole text, and its matches start with the literal prefix', () => {
    let matchCount = 0;
    fc.assert(
      fc.property(cases(RE2_ONLY), ({ pattern, texts }) => {
        const dfa = dfaOf(pattern);
        const oracle = RE2JS.compile(pattern);
        const { prefix, complete } = literalPrefix(pattern);
        for (const text of texts) {
          const matches = runDfa(dfa, encoder.encode(text));
          expect({ pattern, text, matches }).toEqual({ pattern, text, matches: oracle.matches(text) });
          if (matches) {
            matchCount++;
            expect(complete ? text === prefix : text.startsWith(prefix)).toBe(true);
          }
        }
      }),
      { numRuns: 2000 },
    );
    expect(matchCount).toBeGreaterThan(2000);
  });

  it('agrees with JavaScript where the syntax is shared', () => {
    let matchCount = 0;
    fc.assert(
      fc.property(cases(SHARED), ({ pattern, texts }) => {
        const dfa = dfaOf(`(?s)${pattern}`);
        const oracle = new RegExp(`^(?:${pattern.replaceAll('\\x{', '\\u{')})$`, 'su');
        for (const text of texts) {
          const matches = runDfa(dfa, encoder.encode(text));
          expect({ pattern, text, matches }).toEqual({ pattern, text, matches: oracle.test(text) });
          if (matches) matchCount++;
        }
      }),
      { numRuns: 1500 },
    );
    expect(matchCount).toBeGreaterThan(1500);
  });

  it('never matches bytes that are not UTF-8', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 6 });
    const anything = dfaOf('(?s).*');
    fc.assert(
      fc.property(bytes, (text) => {
        let wellFormed = true;
        try {
          new TextDecoder('utf-8', { fatal: true }).decode(text);
        } catch {
          wellFormed = false;
        }
        expect(runDfa(anything, text)).toBe(wellFormed);
      }),
      { numRuns: 5000 },
    );
  });
});
