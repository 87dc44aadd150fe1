// SPDX-License-Identifier: Apache-2.0
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { loadCLibrary } from './c-library.js';
import { duplicateDescriptor, SharedPorts, whyNotBindable } from './shared-port.js';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function sharedPorts(): SharedPorts {
  const loaded = loadCLibrary();
  if (!loaded.ok) throw new Error(loaded.reason);
  const ports = new SharedPorts(loaded.calls);
  cleanups.push(() => ports.closeExcept(new Set()));
  return ports;
}

function serve(options: net.ListenOptions & { fd?: number }, name: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.end(name));
  cleanups.push(() => server.close());
  return new Promise((resolve) => server.listen(options, () => resolve(server)));
}

/** A port of 127.0.0.1 that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = await serve({ port: 0, host: '127.0.0.1' }, '');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the server says, or the error. */
function hear(port: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
    socket.once('end', () => resolve(heard));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

function copyOf(ports: SharedPorts, name: string): { fd: number } {
  return { fd: duplicateDescriptor(ports.descriptorOf(name) ?? -1) };
}

describe('a shared port', () => {
  it('keeps clients waiting until somebody listens on a duplicate', async () => {
    const [ports, port] = [sharedPorts(), await freePort()];
    expect(await ports.open('a', '127.0.0.1', port)).toBeUndefined();
    const early = hear(port);
    await serve(copyOf(ports, 'a'), 'first');
    expect(await early).toBe('first');
  });

  it('survives the end of one who listens on it', async () => {
    const [ports, port] = [sharedPorts(), await freePort()];
    await ports.open('a', '127.0.0.1', port);
    const first = await serve(copyOf(ports, 'a'), 'first');
    await new Promise((resolve) => first.close(resolve));
    const waiting = hear(port);
    await serve(copyOf(ports, 'a'), 'second');
    expect(await waiting).toBe('second');
  });

  it('is opened once, however often it is asked for', async () => {
    const [ports, port] = [sharedPorts(), await freePort()];
    await ports.open('a', '127.0.0.1', port);
    const descriptor = ports.descriptorOf('a');
    expect(await ports.open('a', '127.0.0.1', port)).toBeUndefined();
    expect(ports.descriptorOf('a')).toBe(descriptor);
  });

  it('is closed when it is not among those to keep', async () => {
    const [ports, kept, given] = [sharedPorts(), await freePort(), await freePort()];
    await ports.open('kept', '127.0.0.1', kept);
    await ports.open('given', '127.0.0.1', given);
    ports.closeExcept(new Set(['kept']));
    expect([ports.descriptorOf('given'), await hear(given)]).toEqual([undefined, 'ECONNREFUSED']);
    const waiting = hear(kept);
    await serve(copyOf(ports, 'kept'), 'still open');
    expect(await waiting).toBe('still open');
  });

  it.each([
    ['which somebody else has', '127.0.0.1', 'the port is in use by another process'],
    ['of an address that no interface has', '192.0.2.1', 'no interface of this machine has the address'],
  ])('%s is refused with the cause, as an unshared one is', async (_, address, cause) => {
    const ports = sharedPorts();
    const other = await serve({ port: 0, host: '127.0.0.1' }, '');
    const { port } = other.address() as net.AddressInfo;
    const line = `can't listen on ${address}:${port}: ${cause}`;
    expect(await ports.open('a', address, port)).toBe(line);
    expect(await whyNotBindable(address, port)).toBe(line);
    expect(ports.descriptorOf('a')).toBeUndefined();
  });

  it('is not what a descriptor that nobody has open stands for', () => {
    expect(() => duplicateDescriptor(1_000_000)).toThrow("can't duplicate a listening socket");
  });
});
