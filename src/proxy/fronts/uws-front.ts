// SPDX-License-Identifier: Apache-2.0
/**
 * The uWebSockets.js front: plaintext HTTP/1.1 ports. The library parses; its request is written into engine memory as one
 * head again, so that the engine's own parser, rules and limits decide as on every other front.
 */
import { INPUT_REQUEST_SIZE, FAILURE_HEAD_TOO_LARGE } from '../../../assembly/layout.js';
import { HEAD_UNPARSED } from '../contracts.js';
import type { ThreadContext } from '../contracts.js';
import type { ListenerWish } from '../messages.js';
import type { FrontListener } from './front-listener.js';
import { UwsDownstream } from './uws-downstream.js';
import type { UwsApp, UwsContext, UwsModule, UwsRequest, UwsResponse } from './uws-module.js';
import { webSocketHandlers } from './uws-web-socket.js';

let headText = '';
let hasBody = false;

/** Called for each field of a request; module state instead of a closure, because it runs for every field. */
function appendField(name: string, value: string): void {
  // The library would have to speak them, with the parameters that the upstream has chosen.
  if (name === 'sec-websocket-extensions') return;
  headText += name + ': ' + value + '\r\n';
  if (name === 'content-length' || name === 'transfer-encoding') hasBody = true;
}

/** One listening port of a thread. */
export class UwsListener implements FrontListener {
  readonly name: string;
  readonly #path: ThreadContext;
  readonly #uws: UwsModule;
  readonly #app: UwsApp;
  #socket: object | null = null;

  constructor(path: ThreadContext, uws: UwsModule, name: string) {
    this.name = name;
    this.#path = path;
    this.#uws = uws;
    this.#app = uws
      .App()
      .any('/*', (response, request) => this.#onRequest(response, request, null))
      .ws('/*', {
        ...webSocketHandlers(path),
        upgrade: (response, request, context) => this.#onRequest(response, request, context),
      });
  }

  listen({ address, port }: ListenerWish): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#app.listen(address, port, (socket) => {
        if (!socket) {
          reject(new Error(`can't listen on ${address}:${port}`));
          return;
        }
        this.#socket = socket;
        resolve();
      });
    });
  }

  /** Accepts no more connections; those open stay. */
  stopAccepting(): void {
    if (this.#socket) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = null;
  }

  /** Closes the port and every connection. */
  close(): void {
    this.#socket = null;
    this.#app.close();
  }

  /** `context` with a GET that has a WebSocket key, and may be a handshake. */
  #onRequest(response: UwsResponse, request: UwsRequest, context: UwsContext | null): void {
    try {
      this.#path.readClock();
      this.#accept(response, request, context);
    } catch (error) {
      this.#path.onBug(error);
      response.close();
    }
  }

  #accept(response: UwsResponse, request: UwsRequest, context: UwsContext | null): void {
    const path = this.#path;
    const query = request.getQuery();
    headText = `${request.getCaseSensitiveMethod()} ${request.getUrl()}${query === undefined ? '' : '?' + query} HTTP/1.1\r\n`;
    hasBody = false;
    request.forEach(appendField);
    headText += '\r\n';
    // UTF-8, because that is how the library has read the bytes.
    const length = path.engine.buffer.write(headText, path.inputOffset, INPUT_REQUEST_SIZE, 'utf8');
    const complete = length < INPUT_REQUEST_SIZE;
    path.setDownstreamFacts(new Uint8Array(response.getRemoteAddressAsText()), response.getRemotePort?.() ?? 0);
    const key = context === null ? '' : request.getHeader('sec-websocket-key');
    const downstream = new UwsDownstream(path, response, context === null ? null : { key, context });
    downstream.restoreFacts();
    response.onAborted(() => {
      try {
        downstream.onAborted();
      } catch (error) {
        path.onBug(error);
      }
    });
    if (hasBody) {
      response.onData((chunk, isLast) => {
        try {
          path.readClock();
          downstream.exchange?.onRequestBody(new Uint8Array(chunk), isLast);
        } catch (error) {
          path.onBug(error);
          downstream.exchange?.onBug();
        }
      });
    }
    const verdict = complete ? HEAD_UNPARSED : FAILURE_HEAD_TOO_LARGE;
    if (!path.accept(downstream, this.name, path.inputOffset, length, verdict)) response.close();
    downstream.leaveHandler();
  }
}
