// SPDX-License-Identifier: Apache-2.0
// Options of `npm run fuzz` -> the fuzzers of test/fuzz, run one beside the other for that long. Exits with 1 when one has
// found something; what, and how to repeat it, stands in its output. See docs/FUZZING.md.
//
//   npm run fuzz -- [--seconds 60] [--seed N] [--peers llhttp,nginx,haproxy] [--only parsers|proxy|responses]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';

const isInstalled = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    peers: { type: 'string', default: ['llhttp', ...['nginx', 'haproxy'].filter(isInstalled)].join(',') },
    only: { type: 'string', default: '' },
  },
});
console.log(`fuzz: seed ${values.seed}, ${values.seconds} s, peers ${values.peers}`);
const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs');
const args = ['run', '--config', 'vitest.fuzz.config.ts', ...(values.only === '' ? [] : [values.only])];
const environment = { WEFT_FUZZ_SECONDS: values.seconds, WEFT_FUZZ_SEED: values.seed, WEFT_FUZZ_PEERS: values.peers };
const { status } = spawnSync(process.execPath, [vitest, ...args], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
});
process.exitCode = status ?? 1;
