// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessLogWriter, FLUSH_BYTES } from './access-log-writer.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weft-access-log-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function take(writer: AccessLogWriter, line: string): boolean {
  return writer.write(Buffer.from(line), 1);
}

describe('AccessLogWriter', () => {
  it('counts the lines of a batch, written or dropped', async () => {
    const writer = await AccessLogWriter.open({ path: join(directory, 'access.log'), maxBufferedBytes: 10 });
    writer.write(Buffer.from('a\nb\nc\n'), 3);
    writer.write(Buffer.from('too\nmuch\n'), 2);
    await writer.close();
    expect([writer.writtenCount, writer.droppedCount]).toEqual([3, 2]);
  });

  it('writes the lines in order and counts them', async () => {
    const path = join(directory, 'access.log');
    const writer = await AccessLogWriter.open({ path });
    for (let i = 0; i < 1000; i++) expect(take(writer, `line ${i}\n`)).toBe(true);
    await writer.close();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1000);
    expect(lines[999]).toBe('line 999');
    expect(writer.writtenCount).toBe(1000);
    expect(writer.droppedCount).toBe(0);
  });

  it('holds back what is less than a batch, and writes a full batch unasked', async () => {
    const path = join(directory, 'access.log');
    const writer = await AccessLogWriter.open({ path });
    take(writer, 'small\n');
    expect(await readFile(path, 'utf8')).toBe('');
    take(writer, 'x'.repeat(FLUSH_BYTES) + '\n');
    await expect.poll(() => writer.writtenCount).toBe(2);
    await writer.close();
  });

  it('writes a small batch after the flush interval', async () => {
    const writer = await AccessLogWriter.open({ path: join(directory, 'access.log') });
    take(writer, 'alone\n');
    await expect.poll(() => writer.writtenCount, { timeout: 5000 }).toBe(1);
    await writer.close();
  });

  it('appends to what the file already holds', async () => {
    const path = join(directory, 'access.log');
    for (const line of ['first\n', 'second\n']) {
      const writer = await AccessLogWriter.open({ path });
      take(writer, line);
      await writer.close();
    }
    expect(await readFile(path, 'utf8')).toBe('first\nsecond\n');
  });

  it('drops and counts when the buffer is full, then goes on', async () => {
    const path = join(directory, 'access.log');
    const writer = await AccessLogWriter.open({ path, maxBufferedBytes: 10 });
    expect(take(writer, '123456\n')).toBe(true);
    expect(take(writer, '7890\n')).toBe(false);
    await writer.flush();
    expect(take(writer, 'abc\n')).toBe(true);
    await writer.close();
    expect(await readFile(path, 'utf8')).toBe('123456\nabc\n');
    expect(writer.droppedCount).toBe(1);
  });

  it('goes on in a new file after a rotation, losing nothing', async () => {
    const path = join(directory, 'access.log');
    const writer = await AccessLogWriter.open({ path });
    take(writer, 'before\n');
    await writer.flush();
    await rename(path, `${path}.1`);
    await writer.reopen();
    take(writer, 'after\n');
    await writer.close();
    expect(await readFile(`${path}.1`, 'utf8')).toBe('before\n');
    expect(await readFile(path, 'utf8')).toBe('after\n');
  });

  it('stays with the old file when the path can no longer be opened', async () => {
    const nested = await mkdtemp(join(directory, 'nested-'));
    const path = join(nested, 'access.log');
    const writer = await AccessLogWriter.open({ path });
    await rename(nested, `${nested}-moved`);
    await expect(writer.reopen()).rejects.toMatchObject({ code: 'ENOENT' });
    take(writer, 'kept\n');
    await writer.close();
    expect(await readFile(join(`${nested}-moved`, 'access.log'), 'utf8')).toBe('kept\n');
  });

  it.skipIf(!existsSync('/dev/full'))('reports a failing disk once and counts what it could not write', async () => {
    const errors: Error[] = [];
    const writer = await AccessLogWriter.open({ path: '/dev/full', onError: (error) => errors.push(error) });
    for (let i = 0; i < 3; i++) {
      take(writer, 'lost\n');
      await writer.flush();
    }
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code: 'ENOSPC' });
    expect(writer.droppedCount).toBe(3);
    await writer.close();
  });

  it('rejects a path that cannot be opened', async () => {
    await expect(AccessLogWriter.open({ path: directory })).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('drops what comes after close, and closes twice without harm', async () => {
    const writer = await AccessLogWriter.open({ path: join(directory, 'access.log') });
    await writer.close();
    expect(take(writer, 'late\n')).toBe(false);
    await writer.close();
  });
});
