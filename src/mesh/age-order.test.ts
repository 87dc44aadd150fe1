// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Resource } from '../resources/types.js';
import { compareAge } from './age-order.js';

function resource(name: string, order: number, creationTimestampMs?: number): Resource {
  const position = { file: 'test.yaml', line: 1, column: 1 };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    namespace: 'default',
    name,
    labels: {},
    annotations: {},
    order,
    spec: {},
    position,
    positionOf: () => position,
    ...(creationTimestampMs === undefined ? {} : { creationTimestampMs }),
  };
}

const sorted = (...resources: Resource[]): string[] => resources.sort(compareAge).map(({ name }) => name);

describe('compareAge', () => {
  it('puts the older timestamp first, whatever the place in the input', () => {
    expect(sorted(resource('young', 0, 2), resource('old', 1, 1))).toEqual(['old', 'young']);
  });

  it('breaks equal timestamps by name', () => {
    expect(sorted(resource('b', 0, 1), resource('a', 1, 1))).toEqual(['a', 'b']);
  });

  it('takes the place in the input as the age of files, before what a cluster has dated', () => {
    expect(sorted(resource('dated', 0, 1_700_000_000_000), resource('a', 2), resource('b', 1))).toEqual([
      'b',
      'a',
      'dated',
    ]);
  });
});
