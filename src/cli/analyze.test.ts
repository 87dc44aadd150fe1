// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runAnalyze } from './analyze.js';

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function analyze(
  text: string,
  output: 'text' | 'json' = 'text',
  paths: readonly string[] = ['-'],
): Promise<Outcome> {
  let out = '';
  let err = '';
  const status = await runAnalyze(
    { paths, output },
    {
      stdout: { write: (chunk) => (out += chunk) },
      stderr: { write: (chunk) => (err += chunk) },
      stdin: Readable.from([text]),
    },
  );
  return { status, out, err };
}

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n';

function virtualService(rule: string): string {
  return `${SERVICE}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n    - ${rule}\n`;
}

describe('weft analyze', () => {
  it('ends with 0 and a summary when nothing is wrong', async () => {
    const { status, out } = await analyze(virtualService('route: [{destination: {host: a}}]'));
    expect(out).toBe('2 documents: 0 errors, 0 warnings, 0 notes\n');
    expect(status).toBe(0);
  });

  it('ends with 0 when there are warnings only', async () => {
    const { status, out } = await analyze(virtualService('route: [{destination: {host: b}}]'));
    expect(out).toBe(
      '-:12:36 warning host-not-found VirtualService default/a spec.http[0].route[0].destination.host: ' +
        'no Service or ServiceEntry defines the host (b.default.svc.cluster.local); ' +
        'Did you mean "a.default.svc.cluster.local"?\n' +
        '2 documents: 0 errors, 1 warning, 0 notes\n',
    );
    expect(status).toBe(0);
  });

  it('reports where a faulty resource leads in the same run as its errors', async () => {
    const { out } = await analyze(virtualService('{timeout: 0s, route: [{destination: {host: b}}]}'));
    expect(out).toContain('error invalid-duration');
    expect(out).toContain('warning host-not-found');
  });

  it('ends with 1 when there is an error, and leaves the resource out', async () => {
    const { status, out } = await analyze(virtualService('{timeout: 0s, redirect: {uri: /}}'));
    expect(out).toContain(
      '-:12:17 error invalid-duration VirtualService default/a spec.http[0].timeout: must be at least 1ms (0s); ',
    );
    expect(out).toContain('2 documents (1 left out): 1 error, 1 warning, 0 notes\n');
    expect(status).toBe(1);
  });

  it('prints problems in the order of the text', async () => {
    const { out } = await analyze(`kind: X\n---\n${virtualService('{}')}---\n"\n`);
    const lines = out.split('\n').slice(0, -2);
    expect(lines.map((line) => Number(line.split(':')[1]))).toEqual([1, 14, 17]);
  });

  it('prints JSON for programs', async () => {
    const { status, out } = await analyze(`${SERVICE}---\n${SERVICE}`, 'json');
    expect(JSON.parse(out)).toEqual({
      summary: { documents: 2, resources: 1, errors: 1, warnings: 0, infos: 0 },
      problems: [
        {
          severity: 'error',
          code: 'duplicate-resource',
          message: 'was defined before, at -:1',
          hint: 'Rename or remove one of the two.',
          path: 'metadata.name',
          position: { file: '-', line: 8, column: 18 },
          resource: { kind: 'Service', namespace: 'default', name: 'a' },
        },
      ],
    });
    expect(status).toBe(1);
  });

  it('ends with 2 when a path cannot be read', async () => {
    const { status, out, err } = await analyze('', 'text', ['/nowhere/at/all.yaml']);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/^weft analyze: \/nowhere\/at\/all\.yaml: cannot be read/);
  });

  it('takes kinds that are not routing as notes, and Istio kinds that are not executed as warnings', async () => {
    const other = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n';
    const sidecar = 'apiVersion: networking.istio.io/v1\nkind: ProxyConfig\nmetadata: {name: a}\n';
    const { status, out } = await analyze(`${other}---\n${sidecar}`);
    expect(out).toContain('info kind-ignored Deployment default/a kind: ');
    expect(out).toContain('warning kind-not-executed ProxyConfig default/a kind: ');
    expect(status).toBe(0);
  });
});
