// SPDX-License-Identifier: Apache-2.0
/**
 * A proxy's upstream connections -> the requests on them as a strict reader counts them, and the answers of each peer, which
 * gets the same bytes. The first peer's answers go back to the proxy.
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRequestHead, responseHeadReader, StrictReader } from '../support/strict-reader.js';
import { essence } from './peers.js';
import type { Peer } from './peers.js';

const PATIENCE_MS = 1500;
const STEP_MS = 1;
const WAIT = 'wait';

interface Branch {
  readonly peer: Peer;
  readonly socket: net.Socket;
  readonly answers: StrictReader;
  closed: boolean;
}

function finals(reader: StrictReader): number[] {
  return reader.messages.map((message) => Number(message.startLine.slice(9, 12))).filter((status) => status >= 200);
}

class TappedConnection {
  readonly requests: StrictReader;
  readonly branches: readonly Branch[];
  readonly socket: net.Socket;
  isOver = false;

  constructor(socket: net.Socket, peers: readonly Peer[]) {
    this.socket = socket;
    this.requests = new StrictReader(readRequestHead);
    this.branches = peers.map((peer) => this.#branch(peer));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.requests.push(chunk);
      for (const branch of this.branches) branch.socket.write(chunk);
    });
    socket.on('close', () => {
      this.isOver = true;
    });
  }

  #branch(peer: Peer): Branch {
    const methods: number[] = [];
    const method = (): string => this.requests.messages[methods.push(0) - 1]?.startLine.split(' ')[0] ?? 'GET';
    const answers = new StrictReader(responseHeadReader(method));
    const socket = net.connect({ port: peer.port, host: '127.0.0.1', noDelay: true });
    const branch: Branch = { peer, socket, answers, closed: false };
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      answers.push(chunk);
      if (this.branches[0] === branch) this.socket.write(chunk);
    });
    socket.on('close', () => {
      if (!branch.closed) answers.end();
      branch.closed = true;
      // Not destroyed: a reset would take the answer with it.
      if (this.branches[0] === branch) this.socket.end();
    });
    return branch;
  }

  /** What is wrong with this connection when nothing more will come; WAIT while peers still owe answers. */
  fault(isLate: boolean): string | undefined {
    if (this.requests.violation !== null) return `malformed to the upstream: ${this.requests.violation}`;
    const sent = this.requests.messages.length;
    for (const { peer, answers, closed } of this.branches) {
      const statuses = finals(answers);
      const refused = (statuses.at(-1) ?? 0) >= 400;
      if (statuses.length > sent && !(refused && this.requests.isInside && statuses.length === sent + 1)) {
        return `${peer.name} answered more than was asked: ${statuses.join()} to ${sent} requests`;
      }
      if (statuses.length < sent && !(closed && refused)) {
        if (!isLate && !closed) return WAIT;
        return `${peer.name} answered less than was asked: ${statuses.join()} to ${sent} requests`;
      }
    }
    return undefined;
  }

  end(): void {
    for (const branch of this.branches) branch.socket.destroy();
    this.socket.destroy();
  }
}

export class Tap {
  readonly #peers: readonly Peer[];
  readonly #server: net.Server;
  #connections: TappedConnection[] = [];

  private constructor(peers: readonly Peer[]) {
    this.#peers = peers;
    this.#server = net.createServer({ noDelay: true }, (socket) =>
      this.#connections.push(new TappedConnection(socket, this.#peers)),
    );
  }

  static async start(peers: readonly Peer[]): Promise<Tap> {
    const tap = new Tap(peers);
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    return tap;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Whole requests of all connections, by method and body. */
  requests(): string[] {
    return this.#connections.flatMap(({ requests }) =>
      requests.messages.map((message) => essence(message.startLine, message.body)),
    );
  }

  /** Waits until the peers have answered all they owe; tells what is wrong. Begins anew with fresh connections. */
  async settle(): Promise<string | undefined> {
    const deadline = performance.now() + PATIENCE_MS;
    let fault: string | undefined;
    for (const connection of this.#connections) {
      for (fault = connection.fault(false); fault === WAIT; fault = connection.fault(performance.now() > deadline))
        await sleep(STEP_MS);
      if (fault !== undefined) break;
    }
    fault ??= this.#foreign();
    for (const connection of this.#connections) connection.end();
    this.#connections = [];
    for (const peer of this.#peers) peer.forget();
    return fault;
  }

  /** A request that got through a peer although the strict reader saw none like it. */
  #foreign(): string | undefined {
    const sent = this.requests();
    for (const peer of this.#peers) {
      const left = [...sent];
      for (const request of peer.passed()) {
        const place = left.indexOf(request);
        if (place < 0) return `${peer.name} passed on what was not asked: ${request}`;
        left.splice(place, 1);
      }
    }
    return undefined;
  }

  async stop(): Promise<void> {
    await this.settle();
    this.#server.close();
  }
}
