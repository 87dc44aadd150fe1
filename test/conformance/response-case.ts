// SPDX-License-Identifier: Apache-2.0
/** The words in which the corpus of responses is written: what an upstream answers, and what the client has to get. */
import type { Level } from './message-case.js';

/**
 * `delivered`: whole, with this status and body; `refused`: 502, or 503 where the
 * upstream ended before its head did, and the upstream's bytes unseen; `broken`: the head is
 * delivered and the body cut off so that the client notices.
 */
export type ResponseOutcome = 'delivered' | 'refused' | 'broken';

export interface ResponseCase {
  readonly name: string;
  readonly section: string;
  readonly level: Level;
  /** Latin-1 text of what the upstream sends for the request. */
  readonly bytes: string;
  /** The upstream closes its connection after the bytes. */
  readonly closes: boolean;
  readonly method: string;
  readonly outcome: ResponseOutcome;
  readonly status: number;
  readonly body: string;
  /** Values by lower-case name; null for a field that must not be there. */
  readonly fields: Readonly<Record<string, string | null>>;
  /** Statuses of the interim answers before it. */
  readonly interim: readonly number[];
}

type Details = Partial<Pick<ResponseCase, 'closes' | 'method' | 'status' | 'body' | 'fields' | 'interim' | 'level'>>;

function responseCase(
  outcome: ResponseOutcome,
  section: string,
  name: string,
  bytes: string,
  details: Details,
): ResponseCase {
  const status = outcome === 'refused' ? 502 : 200;
  return {
    ...{ name, section, bytes, outcome, status, level: outcome === 'delivered' ? 'valid' : 'must' },
    ...{ closes: false, method: 'GET', body: 'hello', fields: {}, interim: [] },
    ...details,
  };
}

export function deliver(section: string, name: string, bytes: string, details: Details = {}): ResponseCase {
  return responseCase('delivered', section, name, bytes, details);
}

export function badGateway(section: string, name: string, bytes: string, details: Details = {}): ResponseCase {
  return responseCase('refused', section, name, bytes, details);
}

export function breakOff(section: string, name: string, bytes: string, details: Details = {}): ResponseCase {
  return responseCase('broken', section, name, bytes, details);
}

/** A 200 answer with these field lines and this body. */
export function respond(fields: readonly string[], body: string, statusLine = 'HTTP/1.1 200 OK'): string {
  return [statusLine, ...fields, '', body].join('\r\n');
}

/** A 200 answer of `hello` with its length, whose status line, and fields before the length, are these. */
export function hello(statusLine: string, ...fields: readonly string[]): string {
  return respond([...fields, 'Content-Length: 5'], 'hello', statusLine);
}

/** A 200 answer with this chunked body. */
export function chunks(body: string): string {
  return respond(['Transfer-Encoding: chunked'], body);
}
