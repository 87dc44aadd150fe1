// SPDX-License-Identifier: Apache-2.0
// dist/engine.wasm -> complaints. The engine lives in a memory of fixed size that all threads share, so the module may
// import only that memory, must never grow it (an allocation that slipped in would), must not run code when it is
// instantiated (each thread instantiates it again), and may export only what tools/engine-exports.json names.
//
// Imports, exports: WebAssembly's own reflection. Start function: the section list. memory.grow: the module as text,
// printed by binaryen (it comes with AssemblyScript), which decodes every function body; strings are cut out first, so
// that data which happens to spell the instruction is not taken for it.
//
//   node tools/check-wasm.mjs [MODULE [EXPORTS.json]]     exit 0 = clean, 1 = complaints on standard error
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const START_SECTION = 8;
const tools = dirname(fileURLToPath(import.meta.url));
const modulePath = process.argv[2] ?? join(tools, '..', 'dist', 'engine.wasm');
const exportsPath = process.argv[3] ?? join(tools, 'engine-exports.json');

async function loadBinaryen() {
  const fromAssemblyScript = createRequire(createRequire(import.meta.url).resolve('assemblyscript/package.json'));
  return (await import(pathToFileURL(fromAssemblyScript.resolve('binaryen')).href)).default;
}

/** Section ids of a module in order (WebAssembly core specification, binary format, modules). */
function sectionIds(bytes) {
  const ids = [];
  let offset = 8;
  while (offset < bytes.length) {
    ids.push(bytes[offset++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[offset++];
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    offset += size;
  }
  return ids;
}

function containsGrow(binaryen, bytes) {
  const parsed = binaryen.readBinary(bytes);
  parsed.setFeatures(binaryen.Features.All);
  const text = parsed.emitText().replace(/"(?:[^"\\]|\\.)*"/g, '""');
  parsed.dispose();
  return /\(memory\.grow\b/.test(text);
}

const bytes = readFileSync(modulePath);
const module = new WebAssembly.Module(bytes);
const listed = new Set(JSON.parse(readFileSync(exportsPath, 'utf8')));
const complaints = [];
for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
  if (from === 'env' && name === 'memory' && kind === 'memory') continue;
  complaints.push(`imports ${kind} ${from}.${name}; only env.memory is allowed`);
}
const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
for (const name of exported) {
  if (!listed.has(name)) complaints.push(`exports ${name}, which ${exportsPath} does not list`);
}
for (const name of listed) {
  if (!exported.has(name)) complaints.push(`does not export ${name}, which ${exportsPath} lists`);
}
if (sectionIds(bytes).includes(START_SECTION))
  complaints.push('has a start function; global initialisers must be constant');
if (containsGrow(await loadBinaryen(), bytes)) {
  complaints.push('contains memory.grow; something allocates (an array literal, a string, new): use the slab');
}
for (const complaint of complaints) process.stderr.write(`${modulePath}: ${complaint}\n`);
if (complaints.length === 0) process.stdout.write(`check-wasm: ${exported.size} exports, clean\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;
