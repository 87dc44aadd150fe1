// SPDX-License-Identifier: Apache-2.0
/**
 * RE2 pattern -> functions that run on the host, through RE2JS, which is linear in the text as RE2 is. Two uses: patterns
 * whose DFA is too large for a table, and Istio's `uriRegexRewrite`, which needs captures and so no DFA.
 */
import { isUtf8 } from 'node:buffer';
import { RE2JS } from 're2js';
import type { RegexError } from './ast.js';
import { parseRegex } from './parse.js';

export interface HostMatcher {
  /** Whether the pattern matches the whole text; text that is not well-formed Unicode never matches, as in the DFA. */
  matches(text: Uint8Array | string): boolean;
}

/** Takes a pattern that `parseRegex` accepts; any other is a bug of the caller and throws. */
export function compileMatcher(pattern: string): HostMatcher {
  const parsed = parseRegex(pattern);
  if ('error' in parsed) throw new Error(`not an RE2 pattern: ${parsed.error.message}`);
  const compiled = RE2JS.compile(pattern);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    matches(text) {
      if (typeof text === 'string') return !/\p{Surrogate}/u.test(text) && compiled.testExact(text);
      return isUtf8(text) && compiled.testExact(decoder.decode(text));
    },
  };
}

export interface PathRewriter {
  /** The path with all non-overlapping matches replaced, from left to right. */
  rewrite(path: string): string;
}

/** A substitution in pieces: text, or the number of a group. */
type SubstitutionPart = string | number;

/**
 * Compiles Istio's `uriRegexRewrite` (Envoy's RegexMatchAndSubstitute). The pattern is not anchored. In the substitution
 * `\0` to `\9` stand for the match and its groups (a group that took no part is empty) and `\\` for a backslash. An empty
 * match directly after a match is not replaced, as in RE2's GlobalReplace. The error's index is that of the pattern or of
 * the substitution, as its message says.
 */
export function compileRewrite(pattern: string, substitution: string): PathRewriter | { readonly error: RegexError } {
  const parsed = parseRegex(pattern);
  if ('error' in parsed) return parsed;
  const parts = parseSubstitution(substitution, parsed.groupCount);
  if ('error' in parts) return parts;
  const compiled = compileSearch(pattern);
  if ('error' in compiled) return compiled;
  return {
    rewrite(path) {
      const matcher = compiled.matcher(path);
      let result = '';
      let copied = 0;
      let lastEnd = -1;
      while (matcher.find()) {
        const start = matcher.start();
        const end = matcher.end();
        if (start === end && (start === lastEnd || insideSurrogatePair(path, start))) continue;
        result += path.slice(copied, start);
        for (const part of parts) result += typeof part === 'string' ? part : (matcher.group(part) ?? '');
        copied = lastEnd = end;
      }
      return result + path.slice(copied);
    },
  };
}

/** RE2JS may know fewer scripts than the Node.js that runs it: then the pattern is at fault here, not the caller. */
function compileSearch(pattern: string): RE2JS | { readonly error: RegexError } {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error), 0);
  }
}

function parseSubstitution(
  substitution: string,
  groupCount: number,
): readonly SubstitutionPart[] | { readonly error: RegexError } {
  const parts: SubstitutionPart[] = [];
  for (const token of substitution.matchAll(/[^\\]+|\\.?/gsu)) {
    const [text] = token;
    const group = /^\\([0-9])$/.exec(text)?.[1];
    if (group !== undefined && Number(group) > groupCount) {
      return failure(`the substitution refers to group ${group}, the pattern has ${groupCount}`, token.index);
    }
    if (group !== undefined) parts.push(Number(group));
    else if (text === '\\\\') parts.push('\\');
    else if (!text.startsWith('\\')) parts.push(text);
    else if (text === '\\') return failure('the substitution ends in a backslash', token.index);
    else return failure(`in the substitution ${text} is neither \\0 to \\9 nor \\\\`, token.index);
  }
  return parts;
}

function failure(message: string, index: number): { readonly error: RegexError } {
  return { error: { message, index } };
}

function insideSurrogatePair(text: string, index: number): boolean {
  const before = text.codePointAt(index - 1);
  return index > 0 && before !== undefined && before > 0xffff;
}
