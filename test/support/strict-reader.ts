// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of one direction of a connection -> the HTTP/1.1 messages in them, or the first violation. It is what stands behind
 * or before a proxy under test: it takes only what a proxy may send (one way to write each thing, no leniency), so that
 * whatever reaches it can be read in one way only. Heads of requests are judged by the reference parser.
 */
import { referenceRequest } from './reference-h1.js';

export interface StrictHead {
  readonly startLine: string;
  readonly fields: readonly (readonly [string, string])[];
  /** Body bytes that follow; `chunked`, or `close` for a body that the end of the connection ends. */
  readonly framing: number | 'chunked' | 'close';
}

export interface StrictMessage extends StrictHead {
  readonly body: string;
}

/** Head text with its empty line -> head, or the name of what is wrong with it. */
export type HeadReader = (text: string) => StrictHead | string;

const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const STATUS_LINE = /^HTTP\/1\.1 ([1-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*$/;
const MAX_HEAD_BYTES = 200_000;
const MAX_LINE_BYTES = 10_000;

/** Values of a field, by its lower-case name. */
export function fieldValues(message: StrictHead, name: string): string[] {
  return message.fields.flatMap(([field, value]) => (field.toLowerCase() === name ? [value] : []));
}

function fieldsOf(lines: readonly string[]): (readonly [string, string])[] | string {
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const match = FIELD_LINE.exec(line);
    if (!match) return `field line ${JSON.stringify(line)}`;
    fields.push([match[1] ?? '', match[2] ?? '']);
  }
  return fields;
}

/** A request's head as a proxy may send it: HTTP/1.1, no empty line before it. */
export function readRequestHead(text: string): StrictHead | string {
  const request = text.startsWith('\r\n') ? undefined : referenceRequest(text);
  if (request?.length !== text.length || request.version !== 11) return `request head ${JSON.stringify(text)}`;
  const framing = request.body === 'chunked' ? 'chunked' : request.contentLength;
  return { startLine: text.slice(0, text.indexOf('\r\n')), fields: request.fields, framing };
}

/** A reader of the answers to requests with these methods, in order. */
export function responseHeadReader(nextMethod: () => string): HeadReader {
  return (text) => {
    const [startLine = '', ...lines] = text.slice(0, -4).split('\r\n');
    const status = Number(STATUS_LINE.exec(startLine)?.[1] ?? 0);
    if (status === 0) return `status line ${JSON.stringify(startLine)}`;
    const fields = fieldsOf(lines);
    if (typeof fields === 'string') return fields;
    const head = { startLine, fields, framing: 0 };
    const lengths = fieldValues(head, 'content-length');
    const codings = fieldValues(head, 'transfer-encoding');
    if (lengths.length + codings.length > 1) return 'more than one field of framing';
    if (lengths.some((value) => !/^(0|[1-9][0-9]*)$/.test(value))) return `Content-Length ${String(lengths[0])}`;
    if (codings.some((value) => value !== 'chunked')) return `Transfer-Encoding ${String(codings[0])}`;
    const method = status < 200 ? '' : nextMethod();
    if (status < 200 || status === 204) return lengths.length + codings.length === 0 ? head : `framing with ${status}`;
    if (method === 'HEAD' || status === 304) return head;
    if (lengths.length > 0) return { ...head, framing: Number(lengths[0]) };
    return { ...head, framing: codings.length > 0 ? 'chunked' : 'close' };
  };
}

export class StrictReader {
  readonly messages: StrictMessage[] = [];
  violation: string | null = null;
  readonly #readHead: HeadReader;
  readonly #onMessage: (message: StrictMessage) => void;
  #buffered = '';
  #head: StrictHead | null = null;
  #body = '';
  #chunk: 'size' | 'data' | 'trailer' = 'size';
  #remaining = 0;

  constructor(readHead: HeadReader, onMessage: (message: StrictMessage) => void = () => undefined) {
    this.#readHead = readHead;
    this.#onMessage = onMessage;
  }

  /** Is a message begun and not over? */
  get isInside(): boolean {
    return this.#head !== null || this.#buffered !== '';
  }

  push(bytes: Buffer): void {
    this.#buffered += bytes.toString('latin1');
    while (this.violation === null && this.#step());
  }

  /** The connection has ended. */
  end(): void {
    if (this.#head?.framing === 'close') this.#finish();
  }

  /** True when it has got on. */
  #step(): boolean {
    if (!this.#head) return this.#takeHead();
    if (this.#head.framing === 'chunked') return this.#takeChunkPart();
    const wanted = this.#head.framing === 'close' ? Infinity : this.#head.framing - this.#body.length;
    this.#body += this.#take(Math.min(wanted, this.#buffered.length));
    if (this.#head.framing !== this.#body.length) return false;
    this.#finish();
    return true;
  }

  #takeHead(): boolean {
    const end = this.#buffered.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#buffered.length > MAX_HEAD_BYTES) this.violation = 'a head without an end';
      return false;
    }
    const head = this.#readHead(this.#take(end + 4));
    if (typeof head === 'string') this.violation = head;
    else this.#head = head;
    this.#body = '';
    this.#chunk = 'size';
    return true;
  }

  #takeChunkPart(): boolean {
    if (this.#chunk === 'data') {
      if (this.#buffered.length < this.#remaining + 2) return false;
      this.#body += this.#take(this.#remaining);
      if (this.#take(2) !== '\r\n') this.violation = 'no CRLF after a chunk';
      this.#chunk = 'size';
      return true;
    }
    const end = this.#buffered.indexOf('\r\n');
    if (end < 0) {
      if (this.#buffered.length > MAX_LINE_BYTES) this.violation = 'a line of chunked framing without an end';
      return false;
    }
    const line = this.#take(end + 2).slice(0, -2);
    if (this.#chunk === 'trailer') {
      if (line === '') this.#finish();
      else if (!FIELD_LINE.test(line)) this.violation = `trailer ${JSON.stringify(line)}`;
    } else if (!/^[0-9a-fA-F]{1,13}$/.test(line)) this.violation = `chunk size ${JSON.stringify(line)}`;
    else {
      this.#remaining = parseInt(line, 16);
      this.#chunk = this.#remaining === 0 ? 'trailer' : 'data';
    }
    return true;
  }

  #take(length: number): string {
    const part = this.#buffered.slice(0, length);
    this.#buffered = this.#buffered.slice(length);
    return part;
  }

  #finish(): void {
    if (!this.#head) return;
    const message = { ...this.#head, body: this.#body };
    this.#head = null;
    this.messages.push(message);
    this.#onMessage(message);
  }
}
