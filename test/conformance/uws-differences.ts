// SPDX-License-Identifier: Apache-2.0
/**
 * What uWebSockets.js decides by itself, so that it cannot be otherwise on that front, each with the reason. Ports that have
 * to be strict belong to the wire front. The status of its own refusals is not Weft's either, so none is expected there.
 */
import type { RequestEnd } from './message-case.js';

export interface Difference {
  /** Title of the group of cases. */
  readonly group: string;
  readonly names: RegExp;
  readonly ends: readonly RequestEnd[];
  readonly reason: string;
}

const ANY: readonly RequestEnd[] = ['open', 'refused', 'closed', 'waits'];
const BREAKS = /\\r|\\n|empty lines?|no version|second space|of 20\b/;

export const UWS_DIFFERENCES: readonly Difference[] = [
  {
    group: 'request line',
    names: BREAKS,
    ends: ['refused', 'waits', 'closed'],
    reason: 'Its parser looks for CRLF only, and waits for one where a lone CR or LF stands.',
  },
  {
    group: 'request line',
    names: /of 8,000 bytes|beyond the limit/,
    ends: ['refused', 'closed'],
    reason: 'It allows heads of a few KiB and a fixed number of fields.',
  },
  {
    group: 'target',
    names: /absolute-form|OPTIONS|CONNECT/,
    ends: ['refused', 'open'],
    reason: 'It hands over what stands between method and version as a path.',
  },
  {
    group: 'Host',
    names: /ÿ|â|Ã|\\u00|\\x/,
    ends: ['refused', 'open'],
    reason: 'It decodes fields as UTF-8 and drops what is none.',
  },
  {
    group: 'fields',
    names: /UTF-8|ASCII|an empty name|only a colon|0x[89a-f]/,
    ends: ['open', 'refused'],
    reason: 'It decodes fields as UTF-8, drops what is none, and skips fields without a name.',
  },
  {
    group: 'fields',
    names: /30,000|99 fields|1,000 bytes|beyond the limit/,
    ends: ['refused', 'closed'],
    reason: 'It allows heads of a few KiB and a fixed number of fields.',
  },
  {
    group: 'fields',
    names: /\\r|\\n|CR|LF/,
    ends: ['refused', 'waits', 'closed'],
    reason: 'Its parser looks for CRLF only, and waits for one where a lone CR or LF stands.',
  },
  {
    group: 'Content-Length',
    names: /leading zeros/,
    ends: ['refused'],
    reason: 'It takes lengths of few digits only.',
  },
  {
    group: 'Content-Length',
    names: /of [2-9]$/,
    ends: ['open', 'refused', 'closed'],
    reason: 'It decodes fields as UTF-8 and drops what is none.',
  },
  {
    group: 'Content-Length',
    names: /next request begins|longer than its length/,
    ends: ['closed', 'refused'],
    reason: 'It refuses a second request while the first is under way.',
  },
  {
    group: 'Content-Length',
    names: /one that hides a request/,
    ends: ['closed', 'refused'],
    reason:
      'It takes the first of two lengths, and closes when a request seems to follow before Weft has refused the message.',
  },
  {
    group: 'Transfer-Encoding',
    names: /an empty length beside|beside an empty coding/,
    ends: ['closed', 'refused'],
    reason:
      'It ignores empty framing fields, and closes when a request seems to follow before Weft has refused the message.',
  },
  {
    group: 'Transfer-Encoding',
    names: /^coding "/,
    ends: ['open', 'refused', 'closed'],
    reason: 'It decodes fields as UTF-8 and drops what is none.',
  },
  {
    group: 'chunks',
    names: /^/,
    ends: ANY,
    reason:
      'It decodes chunks itself: no line ends are checked, and what follows the size is skipped or refused by its own rules.',
  },
  {
    group: 'trailers',
    names: /^/,
    ends: ANY,
    reason: 'It knows no trailers, and takes the bytes behind the last chunk as the next request.',
  },
  {
    group: 'connection',
    names: /requests|of both framings|HEAD before GET|behind|before a good one|close|inside the trailers|HTTP\/1\.0/,
    ends: ['closed', 'refused', 'waits'],
    reason: 'It refuses a second request while the first is under way.',
  },
  {
    group: 'connection',
    names: /^Upgrade to /,
    ends: ['closed', 'refused'],
    reason: 'It closes when a request seems to follow before Weft has refused the message.',
  },
];

/** The difference that explains another outcome of a case, if one is known. */
export function uwsDifference(group: string, name: string): Difference | undefined {
  return UWS_DIFFERENCES.find((difference) => difference.group === group && difference.names.test(name));
}
