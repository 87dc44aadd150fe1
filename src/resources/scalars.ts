// SPDX-License-Identifier: Apache-2.0
/**
 * Strings of a resource -> the scalars they stand for, or what is wrong with them. Each check returns the fault as text
 * (a sentence's end, without the value) so that the caller can say where it was and which value it was.
 */
import { isIP } from 'node:net';

/** A parsed scalar, or why it is none. */
export type DurationResult = { readonly ms: number } | { readonly error: string };

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's time.Duration is an int64 of nanoseconds; nothing longer can be written in Istio. */
const LONGEST = 2n ** 63n - 1n;

const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads a duration in Go's syntax, which includes that of protobuf's JSON: `1.5s`, `100ms`, `1h30m`. Zero is returned as
 * 0; whether it is allowed depends on the field (`zero: 'refuse'` for nearly all of Istio's). Negative durations and
 * fractions of a millisecond are errors, as in Istio's ValidateDuration.
 */
export function parseDuration(text: string, zero: 'allow' | 'refuse' = 'allow'): DurationResult {
  const syntax = { error: 'is not a duration such as 1.5s, 100ms or 1h30m' };
  const negative = text.startsWith('-');
  const digits = negative || text.startsWith('+') ? text.slice(1) : text;
  if (digits === '' || digits.length > 64) return syntax;
  let total = 0n;
  if (digits !== '0') {
    let at = 0;
    while (at < digits.length) {
      DURATION_PART.lastIndex = at;
      const part = DURATION_PART.exec(digits);
      if (part === null) return syntax;
      total += nanoseconds(part[1] ?? '', NANOSECONDS[part[2] ?? ''] ?? 0n);
      at = DURATION_PART.lastIndex;
    }
  }
  if (total > LONGEST) return { error: 'is longer than the 292 years that a duration can hold' };
  if (negative && total > 0n) return { error: 'must be at least 1ms' };
  if (total % 1_000_000n !== 0n) {
    return {
      error:
        total < 1_000_000n ? 'must be at least 1ms' : 'has a part below 1ms; only millisecond precision is supported',
    };
  }
  if (total === 0n && zero === 'refuse') return { error: 'must be at least 1ms' };
  return { ms: Number(total / 1_000_000n) };
}

/** Digits beyond the nanosecond are dropped, as Go does. */
function nanoseconds(number: string, unit: bigint): bigint {
  const [whole = '', fraction = ''] = number.split('.');
  let result = BigInt(whole === '' ? '0' : whole) * unit;
  if (fraction !== '') result += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  return result;
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/i;

/** A DNS label as Istio checks it (RFC 1123, upper case accepted). */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

/** Why a text is not a fully qualified domain name, a trailing dot allowed; undefined when it is one. */
export function faultOfFqdn(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text.length > 255) return 'is longer than 255 characters';
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  const bad = labels.find((label) => !isDnsLabel(label));
  if (bad !== undefined) return `is not a domain name: invalid label "${bad}" (letters, digits and '-', at most 63)`;
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'is not a domain name: the last label is all digits';
  return undefined;
}

/** As `faultOfFqdn`, and `*` may stand at the start of the first label (`*`, `*.a.example`, `*-a.example`). */
export function faultOfWildcardDomain(text: string): string | undefined {
  if (text === '*') return undefined;
  if (text.lastIndexOf('*') > 0)
    return 'has a wildcard that is not at its start; it is only allowed as the leftmost label';
  if (!text.startsWith('*')) return faultOfFqdn(text);
  // The wildcard may stand for a part of a label, so what is left is completed to one before the check.
  return faultOfFqdn(text.startsWith('*.') ? text.slice(2) : `a${text.slice(1)}`);
}

/** True for an IPv4 or IPv6 literal without a zone and without brackets. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%');
}

/** True for an IP literal or a CIDR block. */
export function isSubnet(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0) return isIpAddress(text);
  const address = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  return isIpAddress(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(address) === 4 ? 32 : 128);
}

/** True for `unix://` with an absolute path that is not a folder, or an abstract name (`unix://@name`). */
export function isUnixAddress(text: string): boolean {
  if (!text.startsWith('unix://')) return false;
  const path = text.slice('unix://'.length);
  return (path.startsWith('@') && path.length > 1) || (path.startsWith('/') && path.length > 1 && !path.endsWith('/'));
}

const LABEL_NAME = /^[a-z0-9](?:[-a-z0-9_.]*[a-z0-9])?$/i;

/** Kubernetes label key: an optional DNS prefix and `/`, then a name of at most 63 characters. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf('/');
  const name = text.slice(slash + 1);
  if (slash >= 0 && faultOfFqdn(text.slice(0, slash)) !== undefined) return false;
  return name.length <= 63 && LABEL_NAME.test(name);
}

/** Kubernetes label value: empty, or at most 63 characters of letters, digits, `-`, `_` and `.`. */
export function isLabelValue(text: string): boolean {
  return text === '' || (text.length <= 63 && LABEL_NAME.test(text));
}

/** RFC 9110 section 5.6.2 token, the grammar of header names. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(text);
}
