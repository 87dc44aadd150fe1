// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSources } from './read-sources.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-read-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function pod(name: string): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\n`;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
}

describe('readSources', () => {
  it('reads folders recursively in sorted order, and only files of the known endings', async () => {
    await write('b.yml', pod('b'));
    await write('a.yaml', pod('a'));
    await write('c/d.json', '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "d"}}');
    await write('notes.txt', pod('text'));
    await write('.hidden.yaml', pod('hidden'));
    await write('.git/e.yaml', pod('git'));
    const { documents, problems } = await readSources([folder]);
    expect(documents.map((document) => document.name)).toEqual(['a', 'b', 'd']);
    expect(problems).toEqual([]);
  });

  it('reads a mounted ConfigMap once: through its links, not its timestamp folder', async () => {
    await write('..2026_01_01/routes.yaml', pod('a'));
    await symlink('..2026_01_01', join(folder, '..data'));
    await symlink('..data/routes.yaml', join(folder, 'routes.yaml'));
    const { documents } = await readSources([folder]);
    expect(documents.map((document) => document.name)).toEqual(['a']);
    expect(documents[0]?.positionOf([]).file).toBe(join(folder, 'routes.yaml'));
  });

  it('follows a link to a folder and ends at a loop of links', async () => {
    await write('real/a.yaml', pod('a'));
    await symlink('.', join(folder, 'real', 'loop'));
    const { documents, problems } = await readSources([folder]);
    expect(documents.length).toBeGreaterThan(0);
    expect(problems.map((problem) => problem.code)).toEqual(['folder-too-deep']);
  });

  it('reads a named file whatever its ending, and each path once', async () => {
    await write('routes.conf', pod('a'));
    const path = join(folder, 'routes.conf');
    const { documents } = await readSources([path, path]);
    expect(documents.map((document) => document.name)).toEqual(['a']);
  });

  it('reads standard input as the file -', async () => {
    const { documents } = await readSources(['-'], { stdin: Readable.from([pod('a').slice(0, 5), pod('a').slice(5)]) });
    expect(documents[0]?.positionOf(['kind'])).toEqual({ file: '-', line: 2, column: 7 });
  });

  it('reports a path that is not there and reads the others', async () => {
    await write('a.yaml', pod('a'));
    const { documents, problems } = await readSources([join(folder, 'gone.yaml'), join(folder, 'a.yaml')]);
    expect(documents).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'unreadable-file', position: { file: join(folder, 'gone.yaml') } }]);
  });
});
