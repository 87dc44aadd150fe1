// SPDX-License-Identifier: Apache-2.0
/** On real folders, with the ways in which editors and Kubernetes really change files. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigSource } from './config-source.js';
import type { ConfigurationUpdate } from './config-source.js';

let folder: string;
let source: ConfigSource | undefined;
let updates: ConfigurationUpdate[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-config-'));
  updates = [];
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function service(name: string, port = 80): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ name: http, port: ${port} }] }\n`;
}

const BROKEN_SERVICE =
  'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ name: http, port: x }] }\n';

async function watch(paths: readonly string[] = [folder]): Promise<void> {
  source = new ConfigSource({
    paths,
    onUpdate: async (update) => {
      updates.push(update);
    },
    onError: (error) => {
      throw error;
    },
  });
  await source.start();
}

/** `name:port` of the services in force after the last update. */
function inForce(): string[] {
  const found = updates.at(-1)?.resources ?? [];
  return found
    .flatMap((resource) =>
      resource.kind === 'Service' ? [`${resource.name}:${(resource.spec.ports ?? [])[0]?.port}`] : [],
    )
    .sort();
}

async function until(holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += 10) {
    if (waitedMs > 8000) throw new Error(`never came true; in force: ${inForce().join(' ')}`);
    await pause(10);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

const file = (name: string): string => join(folder, name);

describe('ConfigSource', () => {
  it('hands over what is there at the start', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    await watch();
    expect(inForce()).toEqual(['a:80']);
  });

  it('sees a file that an editor replaces by renaming', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    await watch();
    writeFileSync(file('.a.yaml.swp'), service('a', 81));
    renameSync(file('.a.yaml.swp'), file('a.yaml'));
    await until(() => inForce().join() === 'a:81');
  });

  it('sees such a replacement when the file itself was named', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    await watch([file('a.yaml')]);
    for (const port of [81, 82]) {
      writeFileSync(file('next'), service('a', port));
      renameSync(file('next'), file('a.yaml'));
      await until(() => inForce().join() === `a:${port}`);
    }
  });

  it("sees the swap of a mounted ConfigMap's ..data link, several times", async () => {
    const version = (name: string, port: number): void => {
      mkdirSync(file(name));
      writeFileSync(join(file(name), 'a.yaml'), service('a', port));
      symlinkSync(name, file('..data_tmp'));
      renameSync(file('..data_tmp'), file('..data'));
    };
    version('..2026_01', 80);
    symlinkSync('..data/a.yaml', file('a.yaml'));
    await watch();
    expect(inForce()).toEqual(['a:80']);
    version('..2026_02', 81);
    rmSync(file('..2026_01'), { recursive: true });
    await until(() => inForce().join() === 'a:81');
    version('..2026_03', 82);
    rmSync(file('..2026_02'), { recursive: true });
    await until(() => inForce().join() === 'a:82');
  });

  it('merges a burst of changes and ends with the latest', async () => {
    writeFileSync(file('a.yaml'), service('a', 1));
    await watch();
    for (let port = 2; port <= 60; port++) writeFileSync(file('a.yaml'), service('a', port));
    await until(() => inForce().join() === 'a:60');
    expect(updates.length).toBeLessThan(10);
  });

  it('hands nothing over when the content is the same', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    await watch();
    writeFileSync(file('a.yaml'), service('a'));
    writeFileSync(file('b.yaml'), service('b'));
    await until(() => inForce().join() === 'a:80,b:80');
    const count = updates.length;
    writeFileSync(file('b.yaml'), service('b'));
    await pause(250);
    expect(updates.length).toBe(count);
  });

  it('deletes the resources of a deleted file', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    writeFileSync(file('b.yaml'), service('b'));
    await watch();
    rmSync(file('a.yaml'));
    await until(() => inForce().join() === 'b:80');
  });

  it('keeps the last good version of a resource with an error, and applies the rest', async () => {
    writeFileSync(file('a.yaml'), service('a'));
    writeFileSync(file('b.yaml'), service('b'));
    await watch();
    writeFileSync(file('a.yaml'), BROKEN_SERVICE);
    writeFileSync(file('b.yaml'), service('b', 81));
    await until(() => inForce().join() === 'a:80,b:81');
    await until(() => updates.at(-1)?.kept.join() === 'Service default/a');
    expect(updates.at(-1)?.problems.some(({ severity }) => severity === 'error')).toBe(true);
    writeFileSync(file('a.yaml'), service('a', 82));
    await until(() => inForce().join() === 'a:82,b:81');
    expect(updates.at(-1)?.kept).toEqual([]);
  });

  it('leaves out a resource with an error that never had a good version', async () => {
    writeFileSync(file('a.yaml'), `${BROKEN_SERVICE}---\n${service('b')}`);
    await watch();
    expect(inForce()).toEqual(['b:80']);
  });

  it('keeps the resources of a file that is no YAML any more', async () => {
    writeFileSync(file('a.yaml'), `${service('a')}---\n${service('c')}`);
    await watch();
    writeFileSync(file('a.yaml'), '{ this is: [not YAML');
    await until(() => updates.at(-1)?.kept.length === 2);
    expect(inForce()).toEqual(['a:80', 'c:80']);
  });

  it('keeps everything while a whole folder is away, and goes on when it is back', async () => {
    const mounted = file('mounted');
    mkdirSync(mounted);
    writeFileSync(join(mounted, 'a.yaml'), service('a'));
    await watch([mounted]);
    renameSync(mounted, file('away'));
    await until(() => updates.at(-1)?.kept.length === 1);
    expect(inForce()).toEqual(['a:80']);
    renameSync(file('away'), mounted);
    writeFileSync(join(mounted, 'a.yaml'), service('a', 81));
    await until(() => inForce().join() === 'a:81' && updates.at(-1)?.kept.length === 0);
  });
});
