// SPDX-License-Identifier: Apache-2.0
/** A cache must never show: whatever is edited between two passes, the result is that of reading everything anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocuments } from './documents.js';
import type { SourceText } from './documents.js';
import { LoadCache, loadResources, loadTexts } from './load-resources.js';
import type { LoadedResources } from './load-resources.js';

const PATHS = ['', 'metadata.name', 'spec.http[0]', 'spec.http[1].match[0]', 'spec.http[0].timeout', 'spec.hosts[9]'];

const blockText = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    timeout: fc.constantFrom('1s', 'soon', '2s'),
    comments: fc.nat(3),
  })
  .map(
    ({ name, timeout, comments }) =>
      `${'# a comment\n'.repeat(comments)}apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${name}.example]
  http:
  - match: [{uri: {prefix: /a}}]
    timeout: ${timeout}
    route: [{destination: {host: x}}]
  - match:
    - uri: {prefix: /a/b}
    route: [{destination: {host: x}}]
`,
  );

const listText = fc.constantFrom(
  'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {}}\n- 5\n',
);
const oddText = fc.constantFrom('', '# nothing\n', "a: 'x\n", 'kind: Pod\n', '%YAML 1.2\n', '\r\n');
const documentText = fc.oneof({ weight: 6, arbitrary: blockText }, listText, oddText);
const fileTexts = fc.array(documentText, { maxLength: 6 });
/** What the files hold in each pass. */
const passes = fc.array(fc.array(fileTexts, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 4 });

function sourcesOf(files: readonly (readonly string[])[]): SourceText[] {
  return files.map((documents, index) => ({ file: `${index}.yaml`, text: documents.join('---\n') }));
}

/** All that can be seen of it, as data. */
function shown({ resources, problems }: LoadedResources): unknown {
  const places = resources.map((resource) => PATHS.map((path) => resource.positionOf(path)));
  return JSON.stringify({ resources, problems, places });
}

function withoutCache(sources: readonly SourceText[]): LoadedResources {
  const { documents, problems } = parseDocuments(sources);
  const loaded = loadResources(documents);
  return { resources: loaded.resources, problems: [...problems, ...loaded.problems] };
}

describe('LoadCache', () => {
  it('gives what reading everything anew gives, after any edits', () => {
    fc.assert(
      fc.property(passes, (contents) => {
        const cache = new LoadCache();
        for (const files of contents) {
          const sources = sourcesOf(files);
          expect(shown(loadTexts(sources, cache))).toBe(shown(withoutCache(sources)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps what was validated when a document only moved, with its new lines', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n';
    const cache = new LoadCache();
    const [before] = loadTexts([{ file: 'f', text: `---\n${text}` }], cache).resources;
    const [after] = loadTexts([{ file: 'g', text: `# moved\n\n---\n${text}` }], cache).resources;
    expect(after?.spec).toBe(before?.spec);
    expect(before?.positionOf('spec.ports[0]')).toEqual({ file: 'f', line: 5, column: 16 });
    expect(after?.positionOf('spec.ports[0]')).toEqual({ file: 'g', line: 7, column: 16 });
  });

  it('holds the last pass only', () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\n';
    const cache = new LoadCache();
    const [before] = loadTexts([{ file: 'f', text }], cache).resources;
    loadTexts([], cache);
    const [after] = loadTexts([{ file: 'f', text }], cache).resources;
    expect(after?.spec).toEqual(before?.spec);
    expect(after?.spec).not.toBe(before?.spec);
  });
});
