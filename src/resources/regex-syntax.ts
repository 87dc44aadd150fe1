// SPDX-License-Identifier: Apache-2.0
/**
 * A regular expression of a resource -> why Istio would refuse it. RE2 is the syntax that Envoy executes, so look-around
 * and back-references are not available; re2js is a port of it, which keeps this check and Envoy's of one mind.
 */
import { RE2JS } from 're2js';

/** The CRDs' limit on a regular expression. */
const MAX_LENGTH = 1024;

/** Why a text is no usable regular expression (Istio `StringMatch.regex`); undefined when it is. */
export function faultOfRegex(text: string): string | undefined {
  if (text === '') return 'is an empty regular expression';
  if (text.length > MAX_LENGTH) return `is too long for a regular expression (max ${MAX_LENGTH} characters)`;
  try {
    RE2JS.compile(text);
    return undefined;
  } catch (fault) {
    return `is not a valid RE2 expression: ${fault instanceof Error ? fault.message : String(fault)}`;
  }
}
