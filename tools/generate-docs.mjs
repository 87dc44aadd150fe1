// SPDX-License-Identifier: Apache-2.0
// Tables in the code -> docs/problems.md and the marked part of README.md. Run it after `npm run build:ts`; a unit test
// fails while the files differ from the tables.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const load = (path) => import(new URL(`dist/src/resources/${path}`, root).href);

const { problemsPage } = await load('problem-codes.js');
const { replaceSupportTable } = await load('support-table.js');

mkdirSync(new URL('docs/', root), { recursive: true });
writeFileSync(new URL('docs/problems.md', root), problemsPage());

const readme = new URL('README.md', root);
writeFileSync(readme, replaceSupportTable(readFileSync(readme, 'utf8')));
console.log(`wrote ${fileURLToPath(new URL('docs/problems.md', root))} and ${fileURLToPath(readme)}`);
