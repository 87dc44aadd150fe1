// SPDX-License-Identifier: Apache-2.0
/**
 * The words in which the corpus is written: bytes that a client or an upstream sends, and what has to become of them. A case
 * says the whole outcome, so that a message that is taken apart in another way cannot pass by chance.
 */

/** How binding the outcome is: the RFC demands it, advises it, leaves it to Weft (and why), or the message is simply valid. */
export type Level = 'must' | 'should' | 'policy' | 'valid';

/** What has to reach the upstream. `body` is the decoded one. Undefined parts are not looked at. */
export interface ExpectedRequest {
  /** Method and target, one space between them. */
  readonly line: string;
  readonly body?: string;
  readonly host?: string;
  /** Values by lower-case name; null for a field that must not be there. */
  readonly fields?: Readonly<Record<string, string | null>>;
}

/**
 * What happens after the last whole request: `open`: the connection serves the next request; `refused`: an error answer and
 * the end of the connection; `closed`: the end without one; `waits`: the message is not complete.
 */
export type RequestEnd = 'open' | 'refused' | 'closed' | 'waits';

export interface RequestCase {
  readonly name: string;
  readonly section: string;
  readonly level: Level;
  /** Latin-1 text, one character a byte. */
  readonly bytes: string;
  readonly requests: readonly ExpectedRequest[];
  readonly end: RequestEnd;
  /** Statuses of the answers, in order; empty when only their number is fixed. */
  readonly statuses: readonly number[];
  /** The client ends its side after the bytes. */
  readonly halfClose: boolean;
}

interface Place {
  readonly section: string;
  readonly level: Level;
}

export const HOST = 'Host: web.example';

/** Lines of a head, ended by CRLF each, and the empty line. */
export function head(...lines: readonly string[]): string {
  return [...lines, '', ''].join('\r\n');
}

/** A GET of /a with these fields behind Host. */
export function get(...fields: readonly string[]): string {
  return head('GET /a HTTP/1.1', HOST, ...fields);
}

/** A POST of /a with these fields and this body. */
export function post(fields: readonly string[], body: string): string {
  return head('POST /a HTTP/1.1', HOST, ...fields) + body;
}

/** A POST of /a with this chunked body. */
export function chunked(body: string): string {
  return post(['Transfer-Encoding: chunked'], body);
}

/** A whole request that no case may let through: what an attacker hides in another message. */
export const SMUGGLED = head('GET /smuggled HTTP/1.1', HOST);

/** The client gets `status` and the end of the connection; no whole request gets on. */
export function refuse(place: Place, name: string, bytes: string, status = 400): RequestCase {
  return { ...place, name, bytes, requests: [], end: 'refused', statuses: [status], halfClose: false };
}

/** The upstream gets exactly these requests, and the connection goes on. Text stands for a request's line. */
export function forward(
  place: Place,
  name: string,
  bytes: string,
  ...requests: readonly (ExpectedRequest | string)[]
): RequestCase {
  const expected = requests.map((request) => (typeof request === 'string' ? { line: request } : request));
  return { ...place, name, bytes, requests: expected, end: 'open', statuses: [], halfClose: false };
}

/** Nothing gets on and nothing is answered: more has to come. */
export function wait(place: Place, name: string, bytes: string): RequestCase {
  return { ...place, name, bytes, requests: [], end: 'waits', statuses: [], halfClose: false };
}

export function must(section: string): Place {
  return { section, level: 'must' };
}

export function should(section: string): Place {
  return { section, level: 'should' };
}

/** Where RFCs leave the choice, Weft takes the stricter one, because the next hop may take the other. */
export function policy(section: string): Place {
  return { section, level: 'policy' };
}

export function valid(section: string): Place {
  return { section, level: 'valid' };
}

/** `0x0b` for the byte's name in a case. */
export function byteName(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** Control bytes that may stand nowhere in a head: all but HTAB, CR and LF, which have cases of their own. */
export const CONTROL_BYTES: readonly number[] = [
  ...Array.from({ length: 0x20 }, (_, byte) => byte).filter((byte) => byte !== 0x09 && byte !== 0x0a && byte !== 0x0d),
  0x7f,
];
