// SPDX-License-Identifier: Apache-2.0
/**
 * The attacks, as plain data: how many connections, how fast they are opened, what each sends, and what one may cost the
 * proxy in memory. The attacker process carries them out, the main process judges them.
 */

export type AttackName = 'slowloris' | 'half-open' | 'large-heads' | 'unread-answers' | 'slow-bodies';

export interface Attack {
  readonly name: AttackName;
  readonly title: string;
  /** Connections held at the same time. */
  readonly connectionCount: number;
  /** Connections opened each second: a flood is to load the proxy, not to take its core away by itself. */
  readonly openedPerSecond: number;
  /** What one connection may cost at most, bytes of resident memory. */
  readonly bytesPerConnection: number;
}

const KIB = 1024;
/** A socket with its handle, a record and a timer are about 6 KiB; the rest is slack of the collector. */
const IDLE_BYTES = 16 * KIB;

export const LARGE_BYTES = 1_000_000;

export const ATTACKS: readonly Attack[] = [
  {
    name: 'slowloris',
    title: 'heads that drip, a byte a second',
    connectionCount: 1000,
    openedPerSecond: 1000,
    bytesPerConnection: IDLE_BYTES,
  },
  {
    name: 'half-open',
    title: 'connections that send nothing',
    connectionCount: 10_000,
    openedPerSecond: 2000,
    bytesPerConnection: IDLE_BYTES,
  },
  {
    name: 'large-heads',
    title: 'flood of 1 MB heads',
    connectionCount: 50,
    openedPerSecond: 50,
    // A head up to its limit twice over, and what was read with it.
    bytesPerConnection: 256 * KIB,
  },
  {
    name: 'unread-answers',
    title: 'answers of 1 MB that nobody reads',
    connectionCount: 500,
    openedPerSecond: 250,
    // Of an answer at most a few reads of 64 KiB wait in the process; the rest is the kernel's or stays at the origin.
    bytesPerConnection: 256 * KIB,
  },
  {
    name: 'slow-bodies',
    title: 'bodies that drip, a byte a second',
    connectionCount: 1000,
    openedPerSecond: 500,
    // With a connection to the endpoint each.
    bytesPerConnection: 2 * IDLE_BYTES,
  },
];

/** What the attacker is told. */
export interface AttackOrder {
  readonly attack: Attack;
  readonly port: number;
}

/** What it answers when it is asked to end. */
export interface AttackReport {
  /** The most connections that were open at once. */
  readonly openedCount: number;
  /** Connections that were refused or broken off. */
  readonly closedCount: number;
}

/** The same attacks with a fifth of the connections, for a quick look. */
export function shortened(attack: Attack): Attack {
  return { ...attack, connectionCount: Math.max(10, Math.floor(attack.connectionCount / 5)) };
}
