// SPDX-License-Identifier: Apache-2.0
/**
 * Address and port -> one listening socket that all data-path threads accept from, for releases of Node.js without
 * `reusePort`. The main thread holds its descriptor for as long as the listener exists; each thread listens on a duplicate
 * (libuv closes what it is given). So a thread that dies takes nothing away: clients wait in the socket's queue for the
 * others or for its replacement. Node.js has no dup(2), so it is called by c-library.ts.
 */
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import type { CLibrary } from './c-library.js';
import { loadCLibrary } from './c-library.js';

/** For a thread: a descriptor of its own for the main thread's socket. Throws when there can't be one more. */
export function duplicateDescriptor(descriptor: number): number {
  const result = loadCLibrary();
  if (!result.ok) throw new Error(`can't duplicate a listening socket: ${result.reason}`);
  return duplicate(result.calls, descriptor);
}

function duplicate(calls: CLibrary, descriptor: number): number {
  const copy = calls.dup(descriptor);
  if (copy < 0) throw new Error("can't duplicate a listening socket: too many open files (see ulimit -n)");
  return copy;
}

/** The main thread's listening sockets, by listener name. It never accepts from them. */
export class SharedPorts {
  readonly #calls: CLibrary;
  readonly #descriptors = new Map<string, number>();

  constructor(calls: CLibrary) {
    this.#calls = calls;
  }

  /** Opens the port if it is not open; resolves with undefined, or one line that says why it can't be. */
  open(name: string, address: string, port: number): Promise<string | undefined> {
    if (this.#descriptors.has(name)) return Promise.resolve(undefined);
    return bindOnce(address, port, (descriptor) => {
      this.#descriptors.set(name, duplicate(this.#calls, descriptor));
    });
  }

  descriptorOf(name: string): number | undefined {
    return this.#descriptors.get(name);
  }

  /** Closes the sockets of all other listeners; connections are refused when the threads have closed theirs too. */
  closeExcept(names: ReadonlySet<string>): void {
    for (const [name, descriptor] of this.#descriptors) {
      if (names.has(name)) continue;
      this.#calls.close(descriptor);
      this.#descriptors.delete(name);
    }
  }
}

/** Tries to bind a port alone; undefined when that works, else one line that says why not. */
export function whyNotBindable(address: string, port: number): Promise<string | undefined> {
  return bindOnce(address, port, null);
}

/** Listens for a moment, too short to accept; `take` gets the descriptor, which is closed when it returns. */
function bindOnce(
  address: string,
  port: number,
  take: ((descriptor: number) => void) | null,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`can't listen on ${address}:${port}: ${why(error)}`),
    );
    server.listen({ host: address, port, exclusive: true }, () => {
      // Before the event loop can poll, or the connections that come first would be accepted here.
      let problem: string | undefined;
      try {
        take?.(descriptorOf(server));
      } catch (error) {
        problem = `can't listen on ${address}:${port}: ${why(error as Error)}`;
      }
      server.close(() => resolve(problem));
    });
  });
}

function descriptorOf(server: Server): number {
  const { fd } = (server as { _handle?: { fd?: number } })._handle ?? {};
  if (fd === undefined || fd < 0) throw new Error('this release of Node.js does not tell the descriptor of a server');
  return fd;
}

function why(error: NodeJS.ErrnoException): string {
  const causes: Record<string, string> = {
    EADDRINUSE: 'the port is in use by another process',
    EACCES: 'ports below 1024 need more rights (or --listen-map)',
    EADDRNOTAVAIL: 'no interface of this machine has the address',
  };
  return causes[error.code ?? ''] ?? error.message;
}
