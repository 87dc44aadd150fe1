// SPDX-License-Identifier: Apache-2.0
/** A client's bytes -> the requests that the engine takes them for, without a proxy around it. */
import * as layout from '../../assembly/layout.js';
import { BareEngine } from '../support/bare-engine.js';
import type { ReadRequest, ReadStream } from './read-stream.js';

export class EngineReader {
  readonly #engine = new BareEngine('engine.debug.wasm');

  /** `pieceBytes` is the most that is there at once, as if it came in packets of that size. */
  read(text: string, pieceBytes = text.length): ReadStream {
    const requests: ReadRequest[] = [];
    let start = 0;
    let available = Math.min(pieceBytes, text.length);
    while (start < text.length) {
      const taken = this.#engine.parseRequest(text.slice(start, available));
      if (taken < 0) return { requests, end: 'refused' };
      if (taken === 0) {
        if (available === text.length) return { requests, end: 'incomplete' };
        available = Math.min(available + pieceBytes, text.length);
        continue;
      }
      const request = this.#head();
      start += taken;
      const body = this.#body(text, start, pieceBytes, request.kind);
      if (typeof body === 'string') return { requests, end: body };
      requests.push({ method: request.method, target: request.target, body: body.payload });
      start = body.next;
      available = Math.min(Math.max(available, start), text.length);
      if (request.isLast) return { requests, end: 'closed' };
    }
    return { requests, end: 'complete' };
  }

  #head(): { method: string; target: string; kind: number; isLast: boolean } {
    const engine = this.#engine;
    const flags = engine.request(layout.REQUEST_FLAGS);
    return {
      method: engine.requestText(layout.REQUEST_METHOD_OFFSET, layout.REQUEST_METHOD_LENGTH),
      target: engine.requestText(layout.REQUEST_TARGET_OFFSET, layout.REQUEST_TARGET_LENGTH),
      kind: engine.request(layout.REQUEST_BODY_KIND),
      isLast: (flags & layout.REQUEST_FLAG_CLOSE) !== 0,
    };
  }

  #body(
    text: string,
    start: number,
    pieceBytes: number,
    kind: number,
  ): { payload: string; next: number } | 'incomplete' | 'refused' {
    const engine = this.#engine;
    if (kind === layout.BODY_NONE) return { payload: '', next: start };
    if (kind === layout.BODY_LENGTH) {
      const length = engine.view.getFloat64(engine.at(layout.SLAB_REQUEST) + layout.REQUEST_CONTENT_LENGTH, true);
      if (start + length > text.length) return 'incomplete';
      return { payload: text.slice(start, start + length), next: start + length };
    }
    engine.resetConnection(0);
    let payload = '';
    for (let next = start; next < text.length;) {
      const piece = text.slice(next, next + pieceBytes);
      const offset = engine.write(piece);
      const length = engine.calls.decodeChunked(0, offset, piece.length);
      if (length < 0) return 'refused';
      payload += engine.text(offset, length);
      next += engine.result(layout.RESULT_CONSUMED);
      if (engine.result(layout.RESULT_DONE) === 1) return { payload, next };
    }
    return 'incomplete';
  }
}
