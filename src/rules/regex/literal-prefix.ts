// SPDX-License-Identifier: Apache-2.0
/**
 * RE2 pattern -> the literal text with which every match starts, so that a path index can look a regular expression up
 * under its prefix instead of trying it on every path.
 */
import type { RegexNode } from './ast.js';
import { onlyMember } from './code-point-set.js';
import { parseRegex } from './parse.js';

export interface LiteralPrefix {
  /** ASCII only, hence the same as characters and as UTF-8 bytes; '' when there is none. */
  readonly prefix: string;
  /** True when the pattern matches the prefix and nothing else. */
  readonly complete: boolean;
}

/** Longer prefixes are cut: no index looks further, and nested counts could make megabytes of one letter. */
const MAX_LENGTH = 1024;

const NOTHING_KNOWN: LiteralPrefix = { prefix: '', complete: false };
const EMPTY_TEXT: LiteralPrefix = { prefix: '', complete: true };

/** The longest such prefix of characters taken case-sensitively; none for an invalid pattern. */
export function literalPrefix(pattern: string): LiteralPrefix {
  const parsed = parseRegex(pattern);
  return 'error' in parsed ? NOTHING_KNOWN : prefixOf(withoutOuterAnchors(parsed.ast));
}

/** `^` at the start and `$` at the end always hold in a match of the whole text. */
function withoutOuterAnchors(node: RegexNode): RegexNode {
  const parts = node.kind === 'concat' ? node.parts : [node];
  let first = 0;
  let end = parts.length;
  while (first < end && isAssertion(parts[first], 'begin-text', 'begin-line')) first++;
  while (end > first && isAssertion(parts[end - 1], 'end-text', 'end-line')) end--;
  return { kind: 'concat', parts: parts.slice(first, end) };
}

function isAssertion(node: RegexNode | undefined, ...wanted: readonly string[]): boolean {
  return node?.kind === 'assertion' && wanted.includes(node.assertion);
}

function prefixOf(node: RegexNode): LiteralPrefix {
  switch (node.kind) {
    case 'empty':
      return EMPTY_TEXT;
    case 'assertion':
      return NOTHING_KNOWN;
    case 'group':
      return prefixOf(node.body);
    case 'chars': {
      const codePoint = onlyMember(node.set);
      return codePoint === undefined || codePoint > 0x7f
        ? NOTHING_KNOWN
        : { prefix: String.fromCharCode(codePoint), complete: true };
    }
    case 'concat':
      return joined(node.parts.map((part) => () => prefixOf(part)));
    case 'alternate':
      return node.branches.map(prefixOf).reduce(shared);
    case 'repeat': {
      if (node.max === 0) return EMPTY_TEXT;
      if (node.min === 0) return NOTHING_KNOWN;
      const body = prefixOf(node.body);
      const { prefix, complete } = joined(Array.from({ length: node.min }, () => () => body));
      return { prefix, complete: complete && node.min === node.max };
    }
  }
}

/** One after the other, up to the first that is not complete. */
function joined(parts: readonly (() => LiteralPrefix)[]): LiteralPrefix {
  let prefix = '';
  for (const part of parts) {
    const next = part();
    prefix += next.prefix;
    if (prefix.length > MAX_LENGTH) return { prefix: prefix.slice(0, MAX_LENGTH), complete: false };
    if (!next.complete) return { prefix, complete: false };
  }
  return { prefix, complete: true };
}

function shared(left: LiteralPrefix, right: LiteralPrefix): LiteralPrefix {
  let length = 0;
  while (length < left.prefix.length && left.prefix[length] === right.prefix[length]) length++;
  const complete = left.complete && right.complete && left.prefix === right.prefix;
  return { prefix: left.prefix.slice(0, length), complete };
}
