// SPDX-License-Identifier: Apache-2.0
/** The site that the browser visits: a page with a script of its own, an echo for bodies, and WebSockets by path. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

/** What the page does is said here; tests call it by `weft.*`. */
const PAGE = `<!doctype html><title>weft</title><script>
const bytesOf = (size) => Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 255);
const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);
const open = (path, protocols = []) => new Promise((resolve, reject) => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + path, protocols);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => resolve(socket);
  socket.onerror = () => reject(new Error('no WebSocket'));
});
const reply = (socket, message) => new Promise((resolve) => {
  socket.onmessage = (event) => resolve(event.data);
  socket.send(message);
});
const end = (socket) => new Promise((resolve) => {
  socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
});
let kept;
const weft = {
  async echo(size) {
    const body = bytesOf(size);
    const response = await fetch('/echo', { method: 'POST', body });
    return [response.status, same(new Uint8Array(await response.arrayBuffer()), body)];
  },
  protocol: () => performance.getEntriesByType('navigation')[0].nextHopProtocol,
  async text() {
    const socket = await open('/ws');
    const answer = await reply(socket, 'grüße');
    socket.close();
    return answer;
  },
  async binary(size) {
    const socket = await open('/ws');
    const answer = same(new Uint8Array(await reply(socket, bytesOf(size))), bytesOf(size));
    socket.close();
    return answer;
  },
  async protocols() {
    const socket = await open('/ws', ['chat.v1', 'chat.v2']);
    socket.close();
    return socket.protocol;
  },
  async closedByServer() {
    return end(await open('/close'));
  },
  async closedByPage() {
    const socket = await open('/ws');
    const ended = end(socket);
    socket.close(4321, 'enough');
    return ended;
  },
  refused: () => open('/refused').then(() => 'open', () => 'refused'),
  keep: async () => { kept = await open('/ws'); },
  keptReply: (message) => reply(kept, message),
  again: async (message) => {
    const ended = end(kept);
    kept.close(1000);
    await ended;
    kept = await open('/ws');
    return reply(kept, message);
  },
  rules: async () => (await fetch('/echo')).headers.get('x-rules'),
};
</script>`;

export class Site {
  /** Close codes and reasons that WebSockets on the site have seen. */
  readonly closes: string[] = [];
  readonly #http = createServer((request, response) => serve(request, response));
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  });

  async start(): Promise<number> {
    this.#http.on('upgrade', (request, socket, head) => {
      if (request.url === '/refused') socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      else
        this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#talk(webSocket, request.url ?? ''));
    });
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    return (this.#http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #talk(webSocket: WebSocket, path: string): void {
    if (path === '/close') webSocket.close(4001, 'the site says so');
    webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    webSocket.on('close', (code, reason) => this.closes.push(`${code} ${reason.toString()}`));
    webSocket.on('error', () => webSocket.terminate());
  }
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/echo') {
    request.pipe(response);
    return;
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(request.url === '/' ? PAGE : '');
}
