// SPDX-License-Identifier: Apache-2.0
/**
 * The named string formats of the schema tables -> the fault of a string, if any. A fault names the code under which it is
 * documented, what is wrong as the end of a sentence, and what would be right.
 */
import type { ProblemCode } from '../problem-codes.js';
import { faultOfRegex } from '../regex-syntax.js';
import {
  faultOfFqdn,
  faultOfWildcardDomain,
  isDnsLabel,
  isIpAddress,
  isLabelKey,
  isLabelValue,
  isSubnet,
  isToken,
  isUnixAddress,
  parseDuration,
} from '../scalars.js';

export interface Fault {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
}

export type Format = keyof typeof FORMATS;

const DURATION_HINT = 'Write a duration of at least 1ms, such as 1.5s or 100ms; leave the field out to switch it off.';
const LABEL_HINT = 'Use letters, digits, "-", "_" and "."; at most 63 characters.';
const HOST_HINT = 'Write a domain name, a short service name, or a pattern that starts with "*".';

function when(bad: boolean, code: ProblemCode, message: string, hint: string): Fault | undefined {
  return bad ? { code, message, hint } : undefined;
}

function duration(text: string, zero: 'allow' | 'refuse'): Fault | undefined {
  const result = parseDuration(text, zero);
  return 'error' in result ? { code: 'invalid-duration', message: result.error, hint: DURATION_HINT } : undefined;
}

function host(message: string | undefined, hint: string = HOST_HINT): Fault | undefined {
  return message === undefined ? undefined : { code: 'invalid-host', message, hint };
}

function regex(text: string): Fault | undefined {
  const message = faultOfRegex(text);
  if (message === undefined) return undefined;
  return { code: 'invalid-regex', message, hint: 'Write RE2 syntax: no look-around and no back-references.' };
}

function labelKey(text: string): Fault | undefined {
  return when(!isLabelKey(text), 'invalid-label', 'is not a label key', LABEL_HINT);
}

function labelValue(text: string): Fault | undefined {
  return when(!isLabelValue(text), 'invalid-label', 'is not a label value', LABEL_HINT);
}

function wildcard(text: string): Fault | undefined {
  return when(
    text.includes('*'),
    'selector-wildcard',
    'is a wildcard, which is not supported in a selector',
    'Name the label exactly.',
  );
}

/** The pseudo-headers that a request match may name. */
const PSEUDO_HEADERS: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme', ':status']);

/** True for a key of a header match that names a claim of a JSON Web Token. */
export function isClaimKey(text: string): boolean {
  return /^@request\.auth\.claims(?:\.[^.[\]]+|\[[^[\]]+\])+$/.test(text);
}

export const FORMATS = {
  duration: (text: string) => duration(text, 'refuse'),
  'duration-or-zero': (text: string) => duration(text, 'allow'),
  'dns-label': (text: string) =>
    when(
      !isDnsLabel(text),
      'invalid-name',
      'is not a DNS label',
      'Use letters, digits and "-"; at most 63 characters.',
    ),
  'host-pattern': (text: string) => (isIpAddress(text) ? undefined : host(faultOfWildcardDomain(text))),
  'destination-host': (text: string) =>
    host(text === '*' ? 'is a wildcard for every host' : faultOfWildcardDomain(text), 'Name the service.'),
  'ip-or-fqdn': (text: string) =>
    isIpAddress(text) ? undefined : host(faultOfFqdn(text), 'Write a domain name or an IP.'),
  'ip-or-unix': (text: string) =>
    when(
      !isIpAddress(text) && !isUnixAddress(text),
      'invalid-address',
      'is neither an IP address nor a Unix socket',
      'Write an IP address or unix:///path.',
    ),
  'ip-or-subnet': (text: string) =>
    when(!isSubnet(text), 'invalid-address', 'is not an IP address or CIDR block', 'Write it like 10.0.0.0/8.'),
  'ip-address': (text: string) => when(!isIpAddress(text), 'invalid-address', 'is not an IP address', ''),
  regex,
  'regex-or-presence': (text: string) => (text === '*' ? undefined : regex(text)),
  'label-key': labelKey,
  'label-value': labelValue,
  'selector-key': (text: string) => wildcard(text) ?? labelKey(text),
  'selector-value': (text: string) => wildcard(text) ?? labelValue(text),
  'match-header-name': (text: string) =>
    when(
      !isToken(text) && !PSEUDO_HEADERS.has(text) && !isClaimKey(text),
      'invalid-header-name',
      'is not a header name',
      'Use a token of letters, digits and "-", or :method, :path, :authority, :scheme.',
    ),
  'header-token': (text: string) =>
    when(!isToken(text), 'invalid-header-name', 'is not a header name', 'Use letters, digits and "-", or "*".'),
  'non-empty': (text: string) => when(text === '', 'empty-value', 'is empty', ''),
} satisfies Record<string, (text: string) => Fault | undefined>;
