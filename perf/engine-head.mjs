// SPDX-License-Identifier: Apache-2.0
// Nanoseconds that the engine needs for one typical request head: parse, normalise, write the upstream's head; and for a
// response head. The engine stands alone here, without sockets: what a request costs in all is measured elsewhere.
//
//   node tools/build-wasm.mjs && node perf/engine-head.mjs
import { readFileSync } from 'node:fs';

// Offsets of assembly/layout.ts that this script needs.
const CONTROL = 65536;
const SLAB_FACTS = 768;
const SLAB_INPUT = 165888;
const SLAB_READ = 296960;
const SLAB_OUTPUT = 362496;
const SLAB_CLUSTER_COUNTERS = 657408;
const OUTPUT_SIZE = 262144;

const module = new WebAssembly.Module(readFileSync(new URL('../dist/engine.wasm', import.meta.url)));
const memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
const engine = new WebAssembly.Instance(module, { env: { memory } }).exports;
const bytes = Buffer.from(memory.buffer);
const view = new DataView(memory.buffer);

const slab = 131072;
const control = { 8: 1, 12: 1, 16: 1, 28: slab, 32: engine.slabSize(1, 1, 1, 1), 48: 1, 52: 1, 56: 1 };
for (const [offset, value] of Object.entries(control)) view.setUint32(CONTROL + Number(offset), value, true);
engine.attachThread(0, 1, 2, 3, 4);
const exchange = slab + SLAB_CLUSTER_COUNTERS + 128;
view.setInt32(exchange + 4, -1, true);
view.setUint32(exchange + 36, 1, true);

const address = '203.0.113.7';
const addressOffset = slab + SLAB_INPUT + 65536;
bytes.latin1Write(address, addressOffset);
view.setUint32(slab + SLAB_FACTS + 8, addressOffset, true);
view.setUint32(slab + SLAB_FACTS + 12, address.length, true);

const request = [
  'GET /api/v1/products/42/reviews?sort=newest&limit=20 HTTP/1.1',
  'Host: shop.example.com',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: application/json, text/plain, */*',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Cookie: session=5f2b7a1c9d; theme=dark',
  'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789',
  'Connection: keep-alive',
].join('\r\n');
const response = [
  'HTTP/1.1 200 OK',
  'Content-Type: application/json; charset=utf-8',
  'Content-Length: 128',
  'Date: Sun, 22 Nov 2026 18:00:00 GMT',
  'Cache-Control: no-cache',
  'ETag: "5f2b7a1c"',
  'Connection: keep-alive',
].join('\r\n');
const input = slab + SLAB_INPUT;
const read = slab + SLAB_READ;
const output = slab + SLAB_OUTPUT;
const requestLength = bytes.latin1Write(`${request}\r\n\r\n`, input);
const responseLength = bytes.latin1Write(`${response}\r\n\r\n`, read);

const scenarios = {
  'parse request': () => engine.parseRequestHead(input, requestLength),
  'parse + write request': () => {
    engine.parseRequestHead(input, requestLength);
    return engine.writeRequestHead(0, output, OUTPUT_SIZE, 0);
  },
  'parse + normalise + write request': () => {
    engine.parseRequestHead(input, requestLength);
    engine.normalizePath(1);
    return engine.writeRequestHead(0, output, OUTPUT_SIZE, 0);
  },
  'parse response': () => engine.parseResponseHead(read, responseLength, 1),
  'parse + write response': () => {
    engine.parseResponseHead(read, responseLength, 1);
    return engine.writeResponseHead(0, output, OUTPUT_SIZE, 5);
  },
};
for (const [name, run] of Object.entries(scenarios)) {
  if (run() <= 0) throw new Error(`${name} failed`);
  const rounds = [];
  for (let round = 0; round < 9; round++) {
    const started = process.hrtime.bigint();
    // Names are lower-cased by the first run; that changes what the parser stores, not what it does.
    for (let index = 0; index < 200_000; index++) run();
    rounds.push(Number(process.hrtime.bigint() - started) / 200_000);
  }
  rounds.sort((first, second) => first - second);
  console.log(`${name.padEnd(36)} ${rounds[4].toFixed(0)} ns (best ${rounds[0].toFixed(0)})`);
}
