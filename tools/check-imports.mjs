// SPDX-License-Identifier: Apache-2.0
// Import statements of src/ and assembly/ -> complaints: a folder may import only what stands below it, also for types, and
// no file may take part in an import cycle. Cycles are those that exist when the program runs: `import type` is erased, and
// an owner and its part may name each other's types. Unit tests (*.test.ts) are exempt, since a test may need a neighbour to
// make its input.
//
//   node tools/check-imports.mjs [ROOT]     exit 0 = clean, 1 = complaints on standard error, one a line
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Folder -> what it may import besides itself. Each list is below the folder in the order that data moves. */
const ALLOWED = {
  'src/cli': ['control', 'admin', 'proxy', 'telemetry', 'engine', 'rules', 'lower', 'mesh', 'resources', 'model'],
  'src/control': ['admin', 'proxy', 'telemetry', 'engine', 'rules', 'lower', 'mesh', 'resources', 'model'],
  'src/admin': ['proxy', 'telemetry', 'engine', 'rules', 'model'],
  'src/proxy': ['telemetry', 'engine', 'rules', 'model'],
  'src/telemetry': ['engine', 'rules', 'model'],
  'src/engine': ['rules', 'model'],
  'src/rules': ['model'],
  'src/lower': ['mesh', 'resources', 'model'],
  'src/mesh': ['resources'],
  'src/resources': [],
  'src/model': [],
  assembly: [],
};

/** Single files that hold nothing but data, and who else may import them. */
const SHARED_FILES = {
  'assembly/layout.ts': ['src/engine', 'src/rules', 'src/proxy', 'src/telemetry', 'src/admin', 'src/control'],
  'src/resources/problem.ts': ['src/rules', 'src/engine', 'src/proxy', 'src/telemetry', 'src/admin', 'src/model'],
};

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));

function sourceFiles(folder) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => toSlashes(relative(root, join(entry.parentPath ?? entry.path, entry.name))));
}

function toSlashes(path) {
  return path.split(sep).join('/');
}

/** `src/cli/main.ts` -> `src/cli`; `assembly/hosts.ts` -> `assembly`. */
function folderOf(file) {
  const parts = file.split('/');
  return parts[0] === 'src' ? parts.slice(0, 2).join('/') : parts[0];
}

/** Relative imports of one file: [{ target, line }], type-only imports included, targets as paths from the root. */
function importsOf(file, known) {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [];
  for (const { fileName, pos } of ts.preProcessFile(text, true, true).importedFiles) {
    if (!fileName.startsWith('.')) continue;
    const line = text.slice(0, pos).split('\n').length;
    const bare = toSlashes(relative(root, resolve(root, dirname(file), fileName)));
    const target = [bare.replace(/\.js$/, '.ts'), `${bare}.ts`, `${bare}/index.ts`].find((path) => known.has(path));
    if (target !== undefined) found.push({ target, line });
  }
  return found;
}

function complaintAbout(file, { target, line }) {
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === to || SHARED_FILES[target]?.includes(from)) return undefined;
  const allowed = ALLOWED[from];
  if (allowed === undefined) return `${file}:${line}: folder ${from} is not in the table of tools/check-imports.mjs`;
  if (allowed.includes(to.replace(/^src\//, ''))) return undefined;
  const list = allowed.length === 0 ? 'nothing but libraries' : `only ${allowed.join(', ')}`;
  return `${file}:${line}: ${from} must not import ${target}; it may import ${list}`;
}

/** One cycle per strongly connected part of the graph is enough to act on; found by depth-first search. */
function findCycles(graph) {
  const cycles = [];
  const state = new Map();
  const visit = (file, trail) => {
    state.set(file, 'open');
    for (const { target, line } of graph.get(file) ?? []) {
      if (state.get(target) === 'open') {
        const loop = trail.slice(trail.indexOf(target));
        cycles.push(
          `${file}:${line}: import cycle ${[...loop, target].join(' -> ')}; move what both need into a third file`,
        );
      } else if (!state.has(target)) {
        visit(target, [...trail, target]);
      }
    }
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file, [file]);
  return cycles;
}

const files = [...sourceFiles('src'), ...sourceFiles('assembly')].sort();
const known = new Set(files);
const graph = new Map(files.map((file) => [file, importsOf(file, known)]));
const complaints = [];
for (const [file, imports] of graph) {
  for (const found of imports) {
    const complaint = complaintAbout(file, found);
    if (complaint !== undefined) complaints.push(complaint);
  }
}
complaints.push(...findCycles(graph));
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
if (complaints.length === 0) process.stdout.write(`check-imports: ${files.length} files, clean\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
