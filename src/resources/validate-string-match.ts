// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `StringMatch` that depend on where it stands: empty prefixes, and a match with nothing in it. */
import type { Draft, Place } from './findings.js';
import type { StringMatchSpec } from './types.js';

type MatchDraft = Draft<StringMatchSpec>;

/** For fields that always have a value (path, method, scheme, authority, origin). */
export function checkStringMatch(
  match: MatchDraft,
  place: Place,
  prefixRule: 'empty-prefix-allowed' | 'empty-prefix-refused',
): void {
  if (prefixRule === 'empty-prefix-refused') checkPrefix(match, place);
  if (Object.keys(match).length === 0) {
    place.report(
      'empty-match',
      'match sets no condition',
      'Set one of exact, prefix and regex, or leave the field out.',
    );
  }
}

/** For headers and query parameters, where `{}` asks for presence. */
export function checkPresenceMatch(match: MatchDraft, place: Place): void {
  checkPrefix(match, place);
  if (match.regex === '*') {
    place.at('regex').report('presence-regex', 'is no regular expression, taken as "present" (*)', 'Write {} instead.');
  }
}

function checkPrefix(match: MatchDraft, place: Place): void {
  if (match.prefix === '') {
    place.at('prefix').report('empty-value', 'prefix is empty', 'Leave the condition out to match every value.');
  }
}
