// SPDX-License-Identifier: Apache-2.0
/** The first bytes of a plaintext connection -> whether they begin a request (Envoy's http_inspector). */

/** Envoy's list; a method that is not on it makes a connection TCP. */
const METHODS =
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR LINK UNLINK SOURCE'
    .split(' ')
    .map((method) => `${method} `);
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const REQUEST_LINE = /^[A-Z-]+ [^ \r\n]+ HTTP\/1\.[01]\r?$/;
/** Envoy's limit for a request line that it waits for. */
const MAX_LINE_BYTES = 8192;

export type Inspection = 'http' | 'other' | 'incomplete';

export function inspectHttp(bytes: Buffer): Inspection {
  const text = bytes.toString('latin1', 0, MAX_LINE_BYTES);
  if (HTTP2_PREFACE.startsWith(text) || text.startsWith(HTTP2_PREFACE)) {
    return text.length < HTTP2_PREFACE.length ? 'incomplete' : 'http';
  }
  if (!METHODS.some((method) => method.startsWith(text) || text.startsWith(method))) return 'other';
  const end = text.indexOf('\n');
  if (end < 0) return bytes.length < MAX_LINE_BYTES ? 'incomplete' : 'other';
  return REQUEST_LINE.test(text.slice(0, end)) ? 'http' : 'other';
}
