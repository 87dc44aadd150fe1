// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { literalPrefix } from './literal-prefix.js';

describe('literalPrefix', () => {
  it.each([
    ['/api/v1', '/api/v1', true],
    ['', '', true],
    ['^/api$', '/api', true],
    ['\\A/api\\z', '/api', true],
    ['(?m)^/api$', '/api', true],
    ['/api/.*', '/api/', false],
    ['/api/v[12]', '/api/v', false],
    ['/v[1]', '/v1', true],
    ['/users/\\d+', '/users/', false],
    ['/\\Qa.b\\E', '/a.b', true],
    ['/(abc|abd)/x', '/ab', false],
    ['/(abc|abc)/x', '/abc/x', true],
    ['/a|/b', '/', false],
    ['/a|', '', false],
    ['/(?:a|ab)', '/a', false],
    ['a{3}b', 'aaab', true],
    ['(ab){2,}', 'abab', false],
    ['a+', 'a', false],
    ['ab?c', 'a', false],
    ['ab{0}c', 'ac', true],
    ['(/a)(/b)', '/a/b', true],
    ['.*', '', false],
    ['(?i)/API', '/', false],
    ['(?i)/123x', '/123', false],
    ['/a$b', '/a', false],
    ['/a\\b/', '/a', false],
    ['/café/x', '/caf', false],
    ['(a{1000}){1}b', 'a'.repeat(1000) + 'b', true],
    ['(?:abc){1000}', 'abc'.repeat(342).slice(0, 1024), false],
    ['(', '', false],
  ])('of %s is %s', (pattern, prefix, complete) => {
    expect(literalPrefix(pattern)).toEqual({ prefix, complete });
  });
});
