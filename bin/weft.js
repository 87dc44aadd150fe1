#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The command as npm installs it. What it runs is compiled into dist/ by `npm install` (the prepare script).
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const entry = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  process.stderr.write('weft: not built yet; run `npm install` (or `npm run build`) in the package folder first\n');
  process.exit(2);
}
const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2));
