// SPDX-License-Identifier: Apache-2.0
/** What exchanges hold, the limits they meet, what a dead thread leaves behind, and how they are counted. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { readStatistics } from '../../src/engine/statistics-reader.js';
import { ENGINE_FILES } from '../support/matcher-engine.js';
import { clusterOf, endpointOf } from '../support/model-factory.js';
import { SharedEngine, SMALL, tablesOf } from '../support/shared-engine.js';

const LIMITS = { maxConnections: 1, maxPendingRequests: 1, maxRequests: 3, maxRetries: 1 };

describe.each(ENGINE_FILES)('exchanges (%s)', (file) => {
  function limited(): SharedEngine {
    const shared = new SharedEngine(file);
    shared.publish(tablesOf({ ...clusterOf('a'), circuitBreaker: LIMITS }));
    return shared;
  }

  it('cannot begin before tables are published', () => {
    const { engine } = new SharedEngine(file);
    expect(engine.exports.beginExchange(0)).toBe(layout.FAILURE_ENGINE);
  });

  it('are refused at exactly the limit of each kind', () => {
    const shared = limited();
    const { exports } = shared.engine;
    for (const exchange of [0, 1, 2, 3]) shared.begin(exchange);
    expect([0, 1, 2, 3].map((exchange) => exports.admitRequest(exchange))).toEqual([0, 0, 0, layout.FAILURE_OVERFLOW]);
    for (const exchange of [0, 1, 2]) exports.pickEndpoint(exchange, -1);
    expect([exports.openConnection(0, 0), exports.openConnection(1, 1)]).toEqual([0, layout.WAIT_FOR_CONNECTION]);
    expect([exports.enterPending(1, 1), exports.enterPending(2, 1)]).toEqual([0, layout.FAILURE_OVERFLOW]);
    expect([exports.startRetry(0), exports.startRetry(1)]).toEqual([0, layout.FAILURE_RETRY_OVERFLOW]);
    expect(shared.gauges('a')).toEqual([1, 1, 3, 1, 1]);
  });

  it('release all that they hold when they end, and a place is free again', () => {
    const shared = limited();
    const { exports } = shared.engine;
    shared.begin(0);
    exports.admitRequest(0);
    exports.pickEndpoint(0, -1);
    exports.enterPending(0, 1);
    exports.startRetry(0);
    exports.finishExchange(0, 1);
    expect(shared.gauges('a')).toEqual([0, 0, 0, 0, 0]);
    shared.begin(0);
    expect(exports.admitRequest(0)).toBe(0);
    expect(exports.startRetry(0)).toBe(0);
  });

  it('count one retry in progress however many times they retry', () => {
    const shared = limited();
    const { exports } = shared.engine;
    shared.begin(0);
    exports.admitRequest(0);
    expect([exports.startRetry(0), exports.startRetry(0), exports.startRetry(0)]).toEqual([0, 0, 0]);
    expect(shared.gauge('a', layout.CLUSTER_ACTIVE_RETRIES)).toBe(1);
    const cluster = readStatistics(shared.engine, shared.store, []).clusters[0];
    expect(cluster?.counters.upstream_rq_retry).toBe(3);
  });

  it('of a missing cluster are refused and hold nothing', () => {
    const shared = limited();
    shared.begin(0, -1);
    expect(shared.engine.exports.admitRequest(0)).toBe(layout.FAILURE_CLUSTER_NOT_FOUND);
    shared.engine.exports.finishExchange(0, 1);
    expect(shared.gauges('a')).toEqual([0, 0, 0, 0, 0]);
  });

  it('may give their generation back early, once, and keep all else that they hold', () => {
    const shared = new SharedEngine(file);
    const { exports } = shared.engine;
    const first = shared.publish(tablesOf(clusterOf('a')));
    shared.begin(0);
    shared.begin(1);
    exports.admitRequest(0);
    exports.pickEndpoint(0, -1);
    exports.openConnection(0, 0);
    exports.leaveGeneration(0);
    exports.leaveGeneration(0);
    expect(shared.references(first)).toBe(1);
    exports.finishExchange(1, 1);
    const second = shared.publish(tablesOf(clusterOf('b')));
    expect(shared.store.collect()).toEqual([first]);
    expect(shared.gauges('a')).toEqual([1, 0, 1, 0, 0]);
    exports.closeConnection(0);
    exports.finishExchange(0, 1);
    expect(shared.gauges('a')).toEqual([0, 0, 0, 0, 0]);
    expect(shared.references(second)).toBe(0);
  });

  it('of a dead thread are released by the main thread, with its connections, and nobody else’s', () => {
    const shared = new SharedEngine(file);
    const { engine } = shared;
    const generation = shared.publish(tablesOf(clusterOf('a', [endpointOf('10.0.0.1')])));
    const occupy = (exchangeCount: number): void => {
      for (let exchange = 0; exchange < exchangeCount; exchange++) {
        shared.begin(exchange);
        engine.exports.admitRequest(exchange);
        engine.exports.pickEndpoint(exchange, -1);
        engine.exports.enterPending(exchange, 1);
        engine.exports.startRetry(exchange);
        engine.exports.openConnection(exchange, exchange);
      }
    };
    occupy(2);
    engine.attach(1);
    occupy(5);
    expect(shared.gauges('a')).toEqual([7, 7, 7, 7, 7]);
    expect(engine.exports.releaseThread()).toBe(5);
    expect(shared.gauges('a')).toEqual([2, 2, 2, 2, 2]);
    expect(shared.references(generation)).toBe(2);
    expect(engine.exports.releaseThread()).toBe(0);
    expect(shared.gauges('a')).toEqual([2, 2, 2, 2, 2]);
  });

  it('close a connection once only', () => {
    const shared = limited();
    const { exports } = shared.engine;
    shared.begin(0);
    exports.admitRequest(0);
    exports.pickEndpoint(0, -1);
    exports.openConnection(0, 0);
    exports.closeConnection(0);
    exports.closeConnection(0);
    expect(shared.gauge('a', layout.CLUSTER_ACTIVE_CONNECTIONS)).toBe(0);
  });

  it('are counted in one row per status, and in row 0 when the rows run out', () => {
    const shared = new SharedEngine(file);
    const { engine } = shared;
    shared.publish(tablesOf(clusterOf('a')));
    const finish = (status: number, durationMs: number): void => {
      shared.begin(0);
      engine.exports.admitRequest(0);
      shared.setExchange(0, layout.EXCHANGE_STATUS, status);
      engine.exports.finishExchange(0, durationMs);
    };
    const statusCount = SMALL.series + 5;
    for (let repeat = 0; repeat < 3; repeat++) for (let index = 0; index < statusCount; index++) finish(200 + index, 7);
    const { requests, clusters } = readStatistics(engine, shared.store, []);
    const known = requests.filter(({ clusterName }) => clusterName === 'a');
    expect(known.map(({ status }) => status)).toEqual(
      Array.from({ length: SMALL.series - 1 }, (_, index) => 200 + index),
    );
    for (const series of known) expect(series.count).toBe(3);
    const rest = requests.filter(({ clusterName }) => clusterName === undefined);
    expect(rest.map(({ count }) => count)).toEqual([(statusCount - SMALL.series + 1) * 3]);
    expect(requests.reduce((sum, { count }) => sum + count, 0)).toBe(statusCount * 3);
    expect(clusters[0]?.counters.upstream_rq_total).toBe(statusCount * 3);
  });
});
