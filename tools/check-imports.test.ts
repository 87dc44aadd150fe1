// SPDX-License-Identifier: Apache-2.0
/** The tool is run as CI runs it, on small trees written to a temporary folder. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const TOOL = fileURLToPath(new URL('check-imports.mjs', import.meta.url));
const folders: string[] = [];

function check(files: Record<string, string>): { status: number | null; stderr: string } {
  const root = mkdtempSync(join(tmpdir(), 'weft-imports-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return spawnSync(process.execPath, [TOOL, root], { encoding: 'utf8' });
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('check-imports', () => {
  it('accepts imports that point down the table', () => {
    const run = check({
      'src/cli/main.ts': "import { a } from '../model/model.js';\nexport const b = a;\n",
      'src/model/model.ts': 'export const a = 1;\n',
    });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('names file, line and the allowed folders of an import that points up', () => {
    const run = check({
      'src/mesh/mesh.ts': "\n\nimport type { A } from '../lower/lower.js';\nexport type B = A;\n",
      'src/lower/lower.ts': 'export type A = 1;\n',
    });
    expect(run.stderr).toBe(
      'src/mesh/mesh.ts:3: src/mesh must not import src/lower/lower.ts; it may import only resources\n',
    );
    expect(run.status).toBe(1);
  });

  it('refuses a cycle inside one folder, also through a dynamic import', () => {
    const run = check({
      'src/model/a.ts': "import { b } from './b.js';\nexport const a = b;\n",
      'src/model/b.ts': "export const b = 1;\nexport const load = (): unknown => import('./c.js');\n",
      'src/model/c.ts': "export { a } from './a.js';\n",
    });
    expect(run.stderr).toContain('import cycle src/model/a.ts -> src/model/b.ts -> src/model/c.ts -> src/model/a.ts');
    expect(run.status).toBe(1);
  });

  it('refuses two files that name types of each other', () => {
    const run = check({
      'src/model/a.ts': "import { b } from './b.js';\nexport const a = b;\nexport type A = 1;\n",
      'src/model/b.ts': "import type { A } from './a.js';\nexport const b: A = 1;\n",
    });
    expect(run.stderr).toContain('import cycle');
  });

  it('lets the memory layout be imported by the engine face but not by lower', () => {
    const files = { 'assembly/layout.ts': 'export const SIZE = 1;\n' };
    const text = "import { SIZE } from '../../assembly/layout.js';\nexport const size = SIZE;\n";
    expect(check({ ...files, 'src/engine/engine.ts': text }).status).toBe(0);
    expect(check({ ...files, 'src/lower/lower.ts': text }).stderr).toContain(
      'src/lower must not import assembly/layout.ts',
    );
  });

  it('refuses a folder that the table does not know', () => {
    const run = check({
      'src/misc/x.ts': "import { a } from '../model/model.js';\nexport const b = a;\n",
      'src/model/model.ts': 'export const a = 1;\n',
    });
    expect(run.stderr).toContain('src/misc/x.ts:1: folder src/misc is not in the table');
  });

  it('does not look at unit tests', () => {
    const run = check({
      'src/model/model.test.ts': "import { a } from '../cli/main.js';\nexport const b = a;\n",
      'src/cli/main.ts': 'export const a = 1;\n',
    });
    expect(run.status).toBe(0);
  });
});
