// SPDX-License-Identifier: Apache-2.0
/** normalizePath against Istio's `pathNormalization` modes and RFC 3986 6.2.2. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';

const NONE = 0;
const BASE = 1;
const MERGE = 2;
const DECODE = 3;

describe.each(builds)('normalizePath in %s', (build) => {
  const engine = new BareEngine(build);
  const normalize = (target: string, mode: number): string | number => {
    const first = target === '*' ? 'OPTIONS' : 'GET';
    expect(engine.parseRequest(`${first} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBeGreaterThan(0);
    const failure = engine.calls.normalizePath(mode);
    return failure < 0 ? failure : engine.path;
  };

  it.each([
    // target, NONE, BASE, MERGE_SLASHES, DECODE_AND_MERGE_SLASHES
    ['/', '/', '/', '/', '/'],
    ['/a/b', '/a/b', '/a/b', '/a/b', '/a/b'],
    ['/a/./b', '/a/./b', '/a/b', '/a/b', '/a/b'],
    ['/a/../b', '/a/../b', '/b', '/b', '/b'],
    ['/a/b/..', '/a/b/..', '/a/', '/a/', '/a/'],
    ['/a/.', '/a/.', '/a/', '/a/', '/a/'],
    ['/.', '/.', '/', '/', '/'],
    ['/a/..', '/a/..', '/', '/', '/'],
    ['/a/.../b/.c', '/a/.../b/.c', '/a/.../b/.c', '/a/.../b/.c', '/a/.../b/.c'],
    ['/a//b', '/a//b', '/a//b', '/a/b', '/a/b'],
    ['///a//', '///a//', '///a//', '/a/', '/a/'],
    ['/a//../b', '/a//../b', '/a/b', '/a/b', '/a/b'],
    ['/a\\b', '/a\\b', '/a/b', '/a/b', '/a/b'],
    ['/a\\..\\b', '/a\\..\\b', '/b', '/b', '/b'],
    ['/%61%2d%7E', '/%61%2d%7E', '/a-~', '/a-~', '/a-~'],
    ['/%2e%2E/a', '/%2e%2E/a', null, null, null],
    ['/a/%2e%2e/b', '/a/%2e%2e/b', '/b', '/b', '/b'],
    ['/a%2fb%5cc', '/a%2fb%5cc', '/a%2Fb%5Cc', '/a%2Fb%5Cc', '/a/b/c'],
    ['/a/%2F..%5c..%2fb', '/a/%2F..%5c..%2fb', '/a/%2F..%5C..%2Fb', '/a/%2F..%5C..%2Fb', '/b'],
    ['/%252e', '/%252e', '/%252e', '/%252e', '/%252e'],
    ['/caf%c3%a9', '/caf%c3%a9', '/caf%C3%A9', '/caf%C3%A9', '/caf%C3%A9'],
    ['/a%0d%0aX:%20y', '/a%0d%0aX:%20y', '/a%0D%0AX:%20y', '/a%0D%0AX:%20y', '/a%0D%0AX:%20y'],
    ['/..', '/..', null, null, null],
    ['/a/../../b', '/a/../../b', null, null, null],
    ['/a%zz', '/a%zz', null, null, null],
    ['/a%2', '/a%2', null, null, null],
    ['/a%00b', '/a%00b', null, null, null],
    ['/..%2f', '/..%2f', '/..%2F', '/..%2F', null],
    ['*', '*', '*', '*', '*'],
  ])('%s', (target, ...expected) => {
    [NONE, BASE, MERGE, DECODE].forEach((mode, index) => {
      expect(normalize(target, mode)).toBe(expected[index] ?? layout.FAILURE_PATH_NORMALIZATION);
    });
  });

  it('leaves the query alone', () => {
    expect(normalize('/a/../b?c=/../%61//', DECODE)).toBe('/b');
    expect(engine.requestText(layout.REQUEST_QUERY_OFFSET, layout.REQUEST_QUERY_LENGTH)).toBe('c=/../%61//');
  });

  it('gives a path that is normal in every respect, and does not change it again', () => {
    const piece = fc.constantFrom('/', '//', '.', '..', 'a', '%2e', '%2F', '%5c', '\\', '%61', '%C3', 'b.c', '%25');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom(BASE, MERGE, DECODE), (pieces, mode) => {
        const first = normalize(`/${pieces.join('')}`, mode);
        if (typeof first === 'number') return;
        expect(first).toMatch(/^\//);
        expect(first.split('/')).not.toContain('.');
        expect(first.split('/')).not.toContain('..');
        expect(first).not.toMatch(/\\|%[0-9a-f]?[a-f]/);
        if (mode !== BASE) expect(first).not.toMatch(/\/\//);
        if (mode === DECODE) expect(first).not.toMatch(/%2F|%5C/);
        expect(engine.calls.normalizePath(mode)).toBe(0);
        expect(engine.path).toBe(first);
      }),
      { numRuns: 500 },
    );
  });
});
