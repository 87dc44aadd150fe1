// SPDX-License-Identifier: Apache-2.0
/**
 * Golden cases: `testdata/<name>.in.yaml` -> `testdata/<name>.model.yaml`. The first document of an input describes the
 * proxy; the rest are resources. `UPDATE_GOLDEN=1` rewrites the expectations, which then have to be read.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadValid } from '../../test/support/load-valid.js';
import { buildMesh } from '../mesh/build-mesh.js';
import { lower } from './lower.js';
import { modelToJson, printModel } from './print-model.js';
import type { ProxyNode } from './proxy-node.js';

interface ProxyHeader {
  readonly proxy: {
    readonly role: ProxyNode['role'];
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly listenMap?: Readonly<Record<string, number>>;
  };
}

const folder = fileURLToPath(new URL('testdata/', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.in.yaml'))
  .map((file) => file.slice(0, -'.in.yaml'.length));
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

describe('lowering', () => {
  if (isUpdate && process.env['CI'] !== undefined) throw new Error('UPDATE_GOLDEN is refused in CI: commit the files');

  it('has its cases', () => {
    expect(names.length).toBeGreaterThanOrEqual(20);
  });

  it.each(names)('%s', (name) => {
    const actual = lowerFile(name);
    const expected = `${folder}${name}.model.yaml`;
    if (isUpdate) writeFileSync(expected, actual);
    expect(existsSync(expected)).toBe(true);
    expect(actual).toBe(readFileSync(expected, 'utf8'));
  });
});

function lowerFile(name: string): string {
  const [header = '', ...documents] = readFileSync(`${folder}${name}.in.yaml`, 'utf8').split(/^---$/m);
  const { proxy } = parse(header) as ProxyHeader;
  // The header's lines stay as empty ones, so that positions are those of the file.
  const blank = '\n'.repeat(header.split('\n').length - 1);
  const resources = loadValid([blank, ...documents].join('---'), `${name}.in.yaml`);
  const node: ProxyNode = {
    role: proxy.role,
    namespace: proxy.namespace ?? 'default',
    labels: proxy.labels ?? {},
    listenMap: new Map(Object.entries(proxy.listenMap ?? {}).map(([from, to]) => [Number(from), to])),
    bind: '0.0.0.0',
  };
  const { model, problems } = lower(buildMesh(resources), node, (variable) => `<${variable}>`);
  const printed = printModel(model);
  for (const line of printed.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  return stringify(
    {
      table: printed,
      problems: problems.map(({ severity, code, message, position, path, resource }) => ({
        at: `${position.file}:${position.line}`,
        resource: `${resource?.kind}/${resource?.namespace}/${resource?.name}`,
        finding: `${severity} ${code}`,
        path,
        message,
      })),
      model: JSON.parse(modelToJson(model)) as unknown,
    },
    { lineWidth: 120, aliasDuplicateObjects: false, blockQuote: 'literal' },
  );
}
