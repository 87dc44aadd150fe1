// SPDX-License-Identifier: Apache-2.0
// Tables in the code -> docs/problems.md and the marked part of README.md. Run it after `npm run build:ts`; a unit test
// fails while the files differ from the tables.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const load = (path) => import(new URL(`dist/src/${path}`, root).href);

const { problemsPage } = await load('resources/problem-codes.js');
const { LOWER_CODES } = await load('lower/problem-codes.js');
const { ENCODE_CODES } = await load('rules/encode.js');
const { replaceSupportTable } = await load('resources/support-table.js');

mkdirSync(new URL('docs/', root), { recursive: true });
const laterStages = [
  ['One proxy', LOWER_CODES],
  ['Rule tables', ENCODE_CODES],
];
writeFileSync(new URL('docs/problems.md', root), problemsPage(laterStages));

const readme = new URL('README.md', root);
writeFileSync(readme, replaceSupportTable(readFileSync(readme, 'utf8')));
console.log(`wrote ${fileURLToPath(new URL('docs/problems.md', root))} and ${fileURLToPath(readme)}`);
