// SPDX-License-Identifier: Apache-2.0
/**
 * RE2 pattern -> syntax tree. The accepted language is what both ends of Istio accept: Go's regexp, with which Istio
 * validates, and RE2, with which Envoy matches (so no `\C`, which only RE2 has). Flags start as Envoy leaves them:
 * case-sensitive, `.` without `\n`, `^` and `$` at the ends of the text only.
 * https://github.com/google/re2/wiki/Syntax
 */
import { alternateOf, concatOf } from './ast.js';
import type { Assertion, RegexError, RegexNode } from './ast.js';
import { ANY_CODE_POINT, negateSet } from './code-point-set.js';
import { parseBracket, parseClassEscape, parseEscape, setUnderFlags } from './escapes.js';
import { END, RegexSyntaxError, Scanner } from './scanner.js';

/** RE2's limits: a count in braces, the product of nested counts, and the depth of nested groups. */
const MAX_REPEAT = 1000;
const MAX_DEPTH = 1000;

const ANY_BUT_NEWLINE = negateSet([0x0a, 0x0a]);

interface Flags {
  readonly foldCase: boolean;
  readonly multiLine: boolean;
  readonly dotNewline: boolean;
}

export type ParsedRegex = { readonly ast: RegexNode; readonly groupCount: number } | { readonly error: RegexError };

/**
 * Parses a pattern. `groupCount` is the number of capturing groups; the error says what RE2 refuses and where.
 */
export function parseRegex(pattern: string): ParsedRegex {
  try {
    const parser = new Parser(pattern);
    return { ast: parser.parse(), groupCount: parser.groupCount };
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return { error: { message: error.message, index: error.index } };
  }
}

class Parser {
  groupCount = 0;
  readonly #scanner: Scanner;
  readonly #groupNames = new Set<string>();
  #flags: Flags = { foldCase: false, multiLine: false, dotNewline: false };
  #depth = 0;

  constructor(pattern: string) {
    this.#scanner = new Scanner(pattern);
  }

  parse(): RegexNode {
    const lone = /\p{Surrogate}/u.exec(this.#scanner.pattern);
    if (lone !== null) throw new RegexSyntaxError('half of a surrogate pair', lone.index);
    const node = this.#alternation();
    if (this.#scanner.peek() !== END) throw new RegexSyntaxError('unexpected )', this.#scanner.index);
    return node;
  }

  #alternation(): RegexNode {
    const branches = [this.#concatenation()];
    while (this.#scanner.accept('|')) branches.push(this.#concatenation());
    return alternateOf(branches);
  }

  #concatenation(): RegexNode {
    const scanner = this.#scanner;
    const parts: RegexNode[] = [];
    let repeatStart: number | undefined;
    while (scanner.peek() !== END && !scanner.lookingAt('|') && !scanner.lookingAt(')')) {
      const start = scanner.index;
      const bounds = this.#repeatBounds();
      if (bounds === undefined) {
        this.#appendAtom(parts);
        repeatStart = undefined;
        continue;
      }
      scanner.accept('?');
      if (repeatStart !== undefined) throw nestedRepeat(scanner, repeatStart);
      repeatStart = start;
      const body = parts.pop();
      if (body === undefined) throw new RegexSyntaxError('nothing to repeat', start);
      parts.push(repeatOf(body, bounds, start));
    }
    return concatOf(parts);
  }

  /** Reads `*`, `+`, `?` or a count. Braces that hold no well-formed count are plain characters. */
  #repeatBounds(): readonly [min: number, max: number] | undefined {
    const scanner = this.#scanner;
    if (scanner.accept('*')) return [0, Infinity];
    if (scanner.accept('+')) return [1, Infinity];
    if (scanner.accept('?')) return [0, 1];
    const start = scanner.index;
    const counts = scanner.acceptMatch(/\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/y);
    if (counts === undefined) return undefined;
    const [text, minDigits, comma, maxDigits] = counts;
    const min = Number(minDigits);
    const max = comma === undefined ? min : maxDigits === undefined ? Infinity : Number(maxDigits);
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity)) {
      throw new RegexSyntaxError(`repeat count ${text} is above ${MAX_REPEAT}`, start);
    }
    if (min > max) throw new RegexSyntaxError(`repeat count ${text} is out of order`, start);
    return [min, max];
  }

  /** Reads what a repetition can apply to: most often one node, none for `(?i)`, several for `\Q…\E`. */
  #appendAtom(parts: RegexNode[]): void {
    const scanner = this.#scanner;
    if (scanner.lookingAt('(')) this.#appendGroup(parts);
    else if (scanner.lookingAt('[')) parts.push({ kind: 'chars', set: parseBracket(scanner, this.#flags.foldCase) });
    else if (scanner.lookingAt('\\')) this.#appendEscape(parts);
    else if (scanner.accept('.')) {
      parts.push({ kind: 'chars', set: this.#flags.dotNewline ? ANY_CODE_POINT : ANY_BUT_NEWLINE });
    } else if (scanner.accept('^')) parts.push(assertionOf(this.#flags.multiLine ? 'begin-line' : 'begin-text'));
    else if (scanner.accept('$')) parts.push(assertionOf(this.#flags.multiLine ? 'end-line' : 'end-text'));
    else parts.push(this.#literal(scanner.next()));
  }

  #appendEscape(parts: RegexNode[]): void {
    const scanner = this.#scanner;
    if (scanner.accept('\\A')) parts.push(assertionOf('begin-text'));
    else if (scanner.accept('\\z')) parts.push(assertionOf('end-text'));
    else if (scanner.accept('\\b')) parts.push(assertionOf('word-boundary'));
    else if (scanner.accept('\\B')) parts.push(assertionOf('not-word-boundary'));
    else if (scanner.accept('\\Q')) {
      while (scanner.peek() !== END && !scanner.accept('\\E')) parts.push(this.#literal(scanner.next()));
    } else {
      const set = parseClassEscape(scanner, this.#flags.foldCase);
      parts.push(set === undefined ? this.#literal(parseEscape(scanner)) : { kind: 'chars', set });
    }
  }

  #literal(codePoint: number): RegexNode {
    return { kind: 'chars', set: setUnderFlags([codePoint, codePoint], this.#flags.foldCase, false) };
  }

  #appendGroup(parts: RegexNode[]): void {
    const scanner = this.#scanner;
    const start = scanner.index;
    const outerFlags = this.#flags;
    let capture: { readonly index: number; readonly name: string } | undefined;
    if (scanner.lookingAt('(?P<') || (scanner.lookingAt('(?<') && !/^[=!]/.test(scanner.pattern.slice(start + 3)))) {
      capture = { name: this.#groupName(), index: ++this.groupCount };
    } else if (scanner.lookingAt('(?')) {
      if (!this.#readFlags()) return;
    } else {
      scanner.next();
      capture = { name: '', index: ++this.groupCount };
    }
    if (++this.#depth > MAX_DEPTH) throw new RegexSyntaxError('groups nest too deeply', start);
    const body = this.#alternation();
    if (!scanner.accept(')')) throw new RegexSyntaxError('missing closing )', start);
    this.#depth--;
    this.#flags = outerFlags;
    parts.push(capture === undefined ? body : { kind: 'group', body, ...capture });
  }

  #groupName(): string {
    const start = this.#scanner.index;
    const name = this.#scanner.acceptMatch(/\(\?P?<(\w+)>/y)?.[1];
    if (name === undefined)
      throw new RegexSyntaxError('a group name is of letters, digits and _ between < and >', start);
    if (this.#groupNames.has(name)) throw new RegexSyntaxError(`duplicate group name ${name}`, start);
    this.#groupNames.add(name);
    return name;
  }

  /** Reads `(?flags)` or `(?flags:` and applies the flags. True when a group has been opened, false for a bare setting. */
  #readFlags(): boolean {
    const scanner = this.#scanner;
    const match = scanner.acceptMatch(/\(\?([imsU]*)(?:-([imsU]+))?([:)])/y);
    if (match === undefined) throw unsupportedGroup(scanner);
    const [, on = '', off = '', end] = match;
    const flag = (letter: string, now: boolean): boolean => (now || on.includes(letter)) && !off.includes(letter);
    this.#flags = {
      foldCase: flag('i', this.#flags.foldCase),
      multiLine: flag('m', this.#flags.multiLine),
      dotNewline: flag('s', this.#flags.dotNewline),
    };
    return end === ':';
  }
}

function assertionOf(assertion: Assertion): RegexNode {
  return { kind: 'assertion', assertion };
}

function repeatOf(body: RegexNode, [min, max]: readonly [number, number], index: number): RegexNode {
  const node: RegexNode = { kind: 'repeat', body, min, max };
  if ((min >= 2 || (max >= 2 && max !== Infinity)) && !repeatsFit(node, MAX_REPEAT)) {
    throw new RegexSyntaxError(`nested repeat counts multiply to more than ${MAX_REPEAT}`, index);
  }
  return node;
}

/** An open count weighs as much as its minimum. */
function repeatsFit(node: RegexNode, budget: number): boolean {
  switch (node.kind) {
    case 'empty':
    case 'chars':
    case 'assertion':
      return true;
    case 'group':
      return repeatsFit(node.body, budget);
    case 'concat':
      return node.parts.every((part) => repeatsFit(part, budget));
    case 'alternate':
      return node.branches.every((branch) => repeatsFit(branch, budget));
    case 'repeat': {
      if (node.max === 0) return true;
      const count = node.max === Infinity ? node.min : node.max;
      return count <= budget && repeatsFit(node.body, count === 0 ? budget : Math.floor(budget / count));
    }
  }
}

function nestedRepeat(scanner: Scanner, start: number): RegexSyntaxError {
  const text = scanner.pattern.slice(start, scanner.index);
  const hint = text.endsWith('+') && text.length === 2 ? 'RE2 has no possessive repetition' : 'group the inner one';
  return new RegexSyntaxError(`repetition of a repetition ${text}: ${hint}`, start);
}

function unsupportedGroup(scanner: Scanner): RegexSyntaxError {
  const start = scanner.index;
  const reasons: readonly (readonly [string, string])[] = [
    ['(?=', 'RE2 has no look-ahead'],
    ['(?!', 'RE2 has no look-ahead'],
    ['(?<=', 'RE2 has no look-behind'],
    ['(?<!', 'RE2 has no look-behind'],
    ['(?>', 'RE2 has no atomic groups'],
    ['(?#', 'RE2 has no comments'],
    ['(?P=', 'RE2 has no back-references'],
    ['(?P>', 'RE2 has no recursion'],
    ['(?', 'RE2 knows the flags i, m, s and U, as (?i) or (?i:…)'],
  ];
  const reason = reasons.find(([opening]) => scanner.lookingAt(opening))?.[1] ?? 'not a group';
  return new RegexSyntaxError(reason, start);
}
