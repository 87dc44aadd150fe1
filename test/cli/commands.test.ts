// SPDX-License-Identifier: Apache-2.0
/** Commands that run once: what they print and how they exit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { runWeft } from '../support/weft-process.js';

const EXAMPLE = ['--config', 'examples/hello'];
const folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('weft', () => {
  it('prints its version and its commands', () => {
    expect(runWeft(['--version']).stdout).toBe(`${packageJson.version}\n`);
    const help = runWeft(['--help']).stdout;
    for (const command of ['analyze', 'routes', 'compile', 'explain', 'proxy', 'demo']) expect(help).toContain(command);
  });

  it('exits with 2 and a hint for what it does not know', () => {
    for (const [args, hint] of [
      [['explian', 'GET', 'http://a/'], 'explain'],
      [['routes', '--confg', 'x'], 'did you mean --config?'],
      [[], 'name a command'],
      [['routes'], '--config is missing'],
    ] as const) {
      const run = runWeft(args);
      expect(run.stderr).toContain(hint);
      expect(run.stdout).toBe('');
      expect(run.status).toBe(2);
    }
  });

  it('takes options from the environment, and the command line over it', () => {
    const env = { WEFT_CONFIG: 'examples/hello', WEFT_LISTEN_MAP: '80=8081', WEFT_UNRELATED: 'x' };
    expect(runWeft(['routes'], { env }).stdout).toContain('0.0.0.0:8081');
    expect(runWeft(['routes', '--listen-map', '80=8082'], { env }).stdout).toContain('0.0.0.0:8082');
    const bad = runWeft(['proxy'], { env: { ...env, WEFT_THREADS: 'many' } });
    expect(bad.stderr).toContain('WEFT_THREADS: "many" is not a number');
    expect(bad.status).toBe(2);
  });
});

describe('weft routes', () => {
  it('prints the same routes as table, YAML and JSON', () => {
    expect(runWeft(['routes', ...EXAMPLE]).stdout).toContain('header version = new');
    expect(runWeft(['routes', ...EXAMPLE, '-o', 'yaml']).stdout).toContain('configPort: 80');
    const json = JSON.parse(runWeft(['routes', ...EXAMPLE, '-o', 'json']).stdout) as { listeners: { name: string }[] };
    expect(json.listeners.map(({ name }) => name)).toEqual(['0.0.0.0_80']);
  });

  it('prints what is good, says what is not, and exits with 1', () => {
    const input = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: x }] }\n';
    const run = runWeft(['routes', '-c', 'examples/hello', '-c', '-'], { input });
    expect(run.stdout).toContain('xingren.upup');
    expect(run.stderr).toContain('-:4:');
    expect(run.status).toBe(1);
  });
});

describe('weft compile and explain', () => {
  it('explains a request from YAML and from compiled tables alike', () => {
    const file = join(folder, 'rules.weft');
    expect(runWeft(['compile', ...EXAMPLE, '-o', file]).status).toBe(0);
    const request = ['GET', 'http://xingren.upup/', '-o', 'json'];
    const fromTables = JSON.parse(runWeft(['explain', '--rules', file, ...request]).stdout) as unknown;
    const fromYaml = JSON.parse(runWeft(['explain', ...EXAMPLE, ...request]).stdout) as unknown;
    expect(fromTables).toEqual(fromYaml);
    expect(fromYaml).toMatchObject({
      outcome: 'forward',
      tried: [{ name: 'testers', failed: 'header version exact new' }, { name: 'everybody' }],
      clusters: [
        { percent: 70, state: 'ok', endpoints: ['127.0.0.1:19081'] },
        { percent: 30, state: 'ok', endpoints: ['127.0.0.1:19082'] },
      ],
    });
  });

  it('tells policies, source lines and chances in text', () => {
    const run = runWeft(['explain', ...EXAMPLE, '-H', 'version: new', 'GET', 'http://xingren.upup/']);
    expect(run.stdout).toContain('examples/hello/virtual-service.yaml:17');
    expect(run.stdout).toContain('10000 ms delay for 10 % of requests');
    expect(run.stdout).toContain('timeout      5000 ms');
    expect(run.status).toBe(0);
  });

  it('names the nearest miss of a 404 and exits with 1', () => {
    const yaml = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: g }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: v }
spec:
  hosts: [a.example]
  gateways: [g]
  http:
    - match: [{ uri: { prefix: /other } }]
      directResponse: { status: 200 }
    - match: [{ uri: { prefix: /api }, headers: { env: { exact: prod } } }]
      directResponse: { status: 200 }
`;
    const file = join(folder, 'miss.yaml');
    writeFileSync(file, yaml);
    const run = runWeft(['explain', '-c', file, '-H', 'env: Prod', 'GET', 'http://a.example/api', '-o', 'json']);
    expect(JSON.parse(run.stdout)).toMatchObject({
      outcome: 'not-found',
      status: 404,
      nearestMiss: { source: `VirtualService default/v ${file}:15`, failed: 'header env exact prod' },
    });
    expect(run.status).toBe(1);
    expect(runWeft(['explain', '-c', file, 'GET', 'http://b.example/']).stdout).toContain('no virtual host');
  });

  it('writes no file for a configuration with errors, and says so for one it cannot write', () => {
    const input = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: x }] }\n';
    const run = runWeft(['compile', '-c', '-', '-o', join(folder, 'none.weft')], { input });
    expect(run.stderr).toContain('was not written');
    expect(run.status).toBe(1);
    const elsewhere = runWeft(['compile', ...EXAMPLE, '-o', join(folder, 'no', 'where.weft')]);
    expect(elsewhere.stderr).toMatch(/^weft: cannot write .*ENOENT.*\n$/);
    expect(elsewhere.status).toBe(1);
  });

  it('refuses a file that is not rules', () => {
    const file = join(folder, 'junk.weft');
    writeFileSync(file, 'junk');
    const run = runWeft(['explain', '--rules', file, 'GET', 'http://a/']);
    expect(run.stderr).toContain('not a rules file');
    expect(run.status).toBe(2);
  });
});
