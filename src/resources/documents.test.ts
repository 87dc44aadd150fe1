// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { MAX_FILE_BYTES, parseDocuments } from './documents.js';

function parse(text: string): ReturnType<typeof parseDocuments> {
  return parseDocuments([{ file: 'f.yaml', text }]);
}

function places(text: string): string[] {
  return parse(text).problems.map(({ code, position }) => `${position.line}:${position.column} ${code}`);
}

const GOOD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: good}\n';

describe('parseDocuments', () => {
  it('reads several documents of a file and skips empty ones', () => {
    const { documents, problems } = parse(`# a comment\n---\n${GOOD}---\n---\n${GOOD}...\n${GOOD}`);
    expect(problems).toEqual([]);
    expect(documents.map((document) => document.positionOf([]).line)).toEqual([3, 8, 12]);
  });

  it('reads JSON', () => {
    const { documents } = parse('{\n "apiVersion": "v1",\n "kind": "Pod",\n "metadata": {"name": "a"}\n}');
    expect(documents[0]?.positionOf(['metadata', 'name'])).toEqual({ file: 'f.yaml', line: 4, column: 23 });
  });

  it('reads a file with a byte order mark, directives and Windows line ends', () => {
    const { documents, problems } = parse(`\uFEFF%YAML 1.2\n---\n${GOOD.replaceAll('\n', '\r\n')}---\r\n${GOOD}`);
    expect(problems).toEqual([]);
    expect(documents.map((document) => document.positionOf([]).line)).toEqual([3, 7]);
  });

  it('keeps a line of dashes inside a block scalar', () => {
    const { documents } = parse(`${GOOD}spec:\n  text: |\n    a\n    ---\n    b\n`);
    expect(documents[0]?.value).toMatchObject({ spec: { text: 'a\n---\nb\n' } });
  });

  it.each([
    ['a quote that is never closed', "a: 'x\n", ['2:1 yaml-syntax']],
    ['bad indentation', 'a:\n  b: 1\n c: 2\n', ['3:1 yaml-syntax']],
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n', ['3:1 duplicate-key']],
    ['a scalar', 'hello\n', ['1:1 not-an-object']],
    ['a list', '- a\n', ['1:1 not-an-object']],
    ['no apiVersion', 'kind: Pod\nmetadata: {name: a}\n', ['1:1 missing-api-version']],
    ['no kind', 'apiVersion: v1\nkind:\nmetadata: {name: a}\n', ['2:6 missing-kind']],
    ['no name', 'apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n', ['4:3 missing-name']],
    ['an alias to nothing', 'a: *b\n', ['1:1 yaml-syntax']],
    ['an alias that contains itself', 'a: &a [*a]\n', ['1:1 yaml-too-deep']],
    ['deep nesting in flow style', `a: ${'['.repeat(50_000)}`, ['1:1 yaml-too-deep']],
    ['deep nesting in block style', '- '.repeat(50_000), ['1:1 yaml-too-deep']],
  ])('reports %s and still reads what follows', (_name, text, expected) => {
    expect(places(text)).toEqual(expected);
    const both = parse(`${text}\n---\n${GOOD}`);
    expect(both.documents.map((document) => document.name)).toEqual(['good']);
    expect(both.problems).toHaveLength(expected.length);
  });

  it('refuses aliases that multiply', () => {
    const text = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe']) {
      text.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(',')}]`);
    }
    expect(places(text.join('\n'))).toEqual(['1:1 yaml-alias-bomb']);
  });

  it('resolves aliases and merge keys, with positions where the text is', () => {
    const { documents } = parse('apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: a\nspec:\n  <<: *m\n  again: *m\n');
    expect(documents[0]?.value).toMatchObject({ spec: { name: 'a', again: { name: 'a' } } });
    expect(documents[0]?.positionOf(['spec', 'name']).line).toBe(4);
    expect(documents[0]?.positionOf(['spec', 'again', 'name']).line).toBe(4);
  });

  it('unrolls lists of objects, each with its own positions', () => {
    const { documents, problems } = parse(
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: a}\n- 5\n',
    );
    expect(documents.map((document) => document.name)).toEqual(['a']);
    expect(documents[0]?.positionOf(['kind'])).toEqual({ file: 'f.yaml', line: 8, column: 11 });
    expect(documents[0]?.positionOf(['kind'], 'key')).toEqual({ file: 'f.yaml', line: 8, column: 5 });
    expect(problems).toMatchObject([{ code: 'not-an-object', position: { line: 10, column: 3 } }]);
  });

  it('refuses a file that is too large', () => {
    expect(places(' '.repeat(MAX_FILE_BYTES + 1))).toEqual(['1:1 file-too-large']);
  });
});
