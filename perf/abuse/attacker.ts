// SPDX-License-Identifier: Apache-2.0
/**
 * A process of its own that carries out one attack: an AttackOrder as a message -> connections to the proxy that behave
 * badly, until it is told to end -> an AttackReport. Its connections are opened at the attack's rate, and opened again when
 * the proxy closes them.
 */
import net from 'node:net';
import type { Attack, AttackOrder, AttackReport } from './attacks.js';
import { LARGE_BYTES } from './attacks.js';

const TICK_MS = 20;
const DRIP_MS = 1000;
const HOST = 'abuse.example';

const LARGE_HEAD = Buffer.from(`GET / HTTP/1.1\r\nhost: ${HOST}\r\nx-large: ${'v'.repeat(LARGE_BYTES)}\r\n\r\n`);

/** What a connection sends first, and whether it goes on with a byte a second. */
const OPENINGS: Readonly<Record<Attack['name'], { readonly first: string | Buffer; readonly drips: boolean }>> = {
  slowloris: { first: `GET / HTTP/1.1\r\nhost: ${HOST}\r\nx-drip: `, drips: true },
  'half-open': { first: '', drips: false },
  'large-heads': { first: LARGE_HEAD, drips: false },
  'unread-answers': { first: `GET /large HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`, drips: false },
  'slow-bodies': {
    first: `POST /sink HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: ${LARGE_BYTES}\r\n\r\n`,
    drips: true,
  },
};

class Attacker {
  readonly #attack: Attack;
  readonly #port: number;
  readonly #open = new Set<net.Socket>();
  readonly #opener: NodeJS.Timeout;
  readonly #dripper: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  #startedCount = 0;
  #mostOpen = 0;
  #closedCount = 0;
  #turn = 0;

  constructor({ attack, port }: AttackOrder) {
    this.#attack = attack;
    this.#port = port;
    this.#opener = setInterval(() => this.#openSome(), TICK_MS);
    this.#dripper = setInterval(() => this.#drip(), TICK_MS);
  }

  end(): AttackReport {
    clearInterval(this.#opener);
    clearInterval(this.#dripper);
    for (const socket of this.#open) socket.destroy();
    return { openedCount: this.#mostOpen, closedCount: this.#closedCount };
  }

  #openSome(): void {
    const { connectionCount, openedPerSecond } = this.#attack;
    const due = ((performance.now() - this.#startedMs) / 1000) * openedPerSecond;
    for (; this.#startedCount < due; this.#startedCount++) if (this.#open.size < connectionCount) this.#openOne();
  }

  #openOne(): void {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1' });
    this.#open.add(socket);
    socket.on('connect', () => {
      const { first } = OPENINGS[this.#attack.name];
      if (first.length > 0) socket.write(first);
      this.#mostOpen = Math.max(this.#mostOpen, this.#open.size);
    });
    // Answers are taken, or an end would never be seen; but not where not taking them is the attack.
    if (this.#attack.name !== 'unread-answers') socket.resume();
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#open.delete(socket);
      this.#closedCount++;
    });
  }

  /** Each connection has its own turn within a second, so that the bytes do not come all at once. */
  #drip(): void {
    if (!OPENINGS[this.#attack.name].drips) return;
    const turns = DRIP_MS / TICK_MS;
    let place = this.#turn++ % turns;
    for (const socket of this.#open) if (place++ % turns === 0 && !socket.connecting) socket.write('v');
  }
}

let attacker: Attacker | null = null;
process.on('message', (message: AttackOrder | 'end') => {
  if (message !== 'end') attacker = new Attacker(message);
  else process.send?.(attacker?.end(), () => process.exit(0));
});
