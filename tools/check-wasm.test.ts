// SPDX-License-Identifier: Apache-2.0
/** The tool is run as CI runs it, on modules assembled here byte by byte (WebAssembly core specification, binary format). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const TOOL = fileURLToPath(new URL('check-wasm.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'weft-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];

interface ModuleParts {
  importField?: string;
  exportName?: string;
  body?: number[];
  start?: boolean;
  data?: string;
}

/** One imported memory, one exported function of type [] -> [] with `body`. */
function assemble({ importField = 'memory', exportName = 'run', body = [], start = false, data }: ModuleParts): Buffer {
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(2, 1, ...text('env'), ...text(importField), 2, 0, 1),
    ...section(3, 1, 0),
    ...section(7, 1, ...text(exportName), 0, 0),
    ...(start ? section(8, 0) : []),
    ...section(10, 1, body.length + 2, 0, ...body, 0x0b),
    ...(data === undefined ? [] : section(11, 1, 0, 0x41, 0, 0x0b, ...text(data))),
  ]);
}

function check(parts: ModuleParts): { status: number | null; stderr: string } {
  writeFileSync(join(folder, 'module.wasm'), assemble(parts));
  writeFileSync(join(folder, 'exports.json'), '["run"]');
  return spawnSync(process.execPath, [TOOL, join(folder, 'module.wasm'), join(folder, 'exports.json')], {
    encoding: 'utf8',
  });
}

describe('check-wasm', () => {
  it('accepts a module that only imports its memory', () => {
    const run = check({});
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('refuses memory.grow', () => {
    const run = check({ body: [0x41, 1, 0x40, 0, 0x1a] });
    expect(run.stderr).toContain('contains memory.grow');
    expect(run.status).toBe(1);
  });

  it('does not take data that spells memory.grow for the instruction', () => {
    expect(check({ data: '"(memory.grow 1)' }).status).toBe(0);
  });

  it('refuses an import, an unlisted export and a start function', () => {
    expect(check({ importField: 'other' }).stderr).toContain('imports memory env.other');
    const renamed = check({ exportName: 'grab' }).stderr;
    expect(renamed).toContain('exports grab');
    expect(renamed).toContain('does not export run');
    expect(check({ start: true }).stderr).toContain('has a start function');
  });
});
