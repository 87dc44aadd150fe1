// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  clusterOf,
  endpointOf,
  exact,
  forwardTo,
  listenerOf,
  modelOf,
  regex,
  routeOf,
  virtualHostOf,
} from '../../test/support/model-factory.js';
import type { Cluster, RoutingModel } from '../model/model.js';
import { encodeTables } from './encode.js';
import { replaceClusters } from './replace-clusters.js';

/** A route's text may be equal to an endpoint's. */
const ROUTES = [routeOf(exact('10.0.0.9:8080')), routeOf(regex('/a.*b')), routeOf(exact('/'), {}, forwardTo(['b', 1]))];

function modelWith(...clusters: Cluster[]): RoutingModel {
  return { ...modelOf(listenerOf(virtualHostOf(['a.example', '*.b.example'], ROUTES))), clusters };
}

const ENDPOINTS: readonly [string, Cluster, Cluster][] = [
  ['a longer address', clusterOf('a', [endpointOf('fd00::1234:5678')]), clusterOf('b')],
  ['the text of a route', clusterOf('a', [endpointOf('10.0.0.9')]), clusterOf('b', [endpointOf('10.0.0.9')])],
  ['no endpoint', clusterOf('a', []), clusterOf('b', [])],
  ['none in the first cluster', clusterOf('a', []), clusterOf('b', [endpointOf('10.1.1.1')])],
  [
    'an unhealthy one first',
    clusterOf('a', [endpointOf('10.0.0.2', 3, false), endpointOf('10.0.0.3')]),
    clusterOf('b'),
  ],
];

describe('replacing clusters', () => {
  it.each(ENDPOINTS)('gives the bytes of the whole model: %s', (_name, ...clusters) => {
    const whole = encodeTables(modelWith(...clusters));
    for (const [, ...earlier] of ENDPOINTS) {
      const { tables, host } = replaceClusters(encodeTables(modelWith(...earlier)), clusters);
      expect(Buffer.compare(tables, whole.tables)).toBe(0);
      expect(host).toEqual(whole.host);
    }
  });

  it('leaves the tables that it was given as they were', () => {
    const before = encodeTables(modelWith(clusterOf('a'), clusterOf('b')));
    const bytes = Uint8Array.from(before.tables);
    replaceClusters(before, [clusterOf('a', []), clusterOf('b', [endpointOf('10.9.9.9', 7)])]);
    expect(Buffer.compare(before.tables, bytes)).toBe(0);
  });
});
