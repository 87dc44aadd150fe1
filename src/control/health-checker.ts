// SPDX-License-Identifier: Apache-2.0
/**
 * A model whose endpoints may have health checks -> the same model with what the checks found. They run on the main thread,
 * once for each address and check, however many clusters share them; a change of health goes into the tables as any change
 * of endpoints does. An endpoint that has not been found healthy yet gets no requests (Envoy, and Istio's WorkloadGroup).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Endpoint, HealthCheck, RoutingModel } from '../model/model.js';
import { runHealthCheck } from './run-health-check.js';

/** Resolves when the endpoint is healthy, rejects with the reason when it is not. */
export type RunHealthCheck = (endpoint: Endpoint, check: HealthCheck) => Promise<void>;

interface CheckState {
  isHealthy: boolean;
  /** Results in a row that contradict `isHealthy`. */
  contrary: number;
  timer: NodeJS.Timeout | undefined;
  /** False while resolveModel waits for the first result, and so will use it itself. */
  announces: boolean;
}

export class HealthChecker {
  readonly #onChange: () => void;
  readonly #onResult: (address: string, reason: string | undefined) => void;
  readonly #run: RunHealthCheck;
  readonly #states = new Map<string, CheckState>();

  /**
   * `onChange` is called when an endpoint in use has become healthy or unhealthy, `onResult` with why it is unhealthy
   * (undefined = it is healthy).
   */
  constructor(
    onChange: () => void,
    onResult: (address: string, reason: string | undefined) => void,
    run: RunHealthCheck = runHealthCheck,
  ) {
    this.#onChange = onChange;
    this.#onResult = onResult;
    this.#run = run;
  }

  /** Waits at most `waitMs` for the first results of new checks; checks no longer in the model are ended. */
  async resolveModel(model: RoutingModel, waitMs: number): Promise<RoutingModel> {
    const wanted = checksOf(model);
    for (const [key, state] of this.#states) {
      if (wanted.has(key)) continue;
      clearTimeout(state.timer);
      this.#states.delete(key);
    }
    if (wanted.size === 0) return model;
    const added: CheckState[] = [];
    const first: Promise<void>[] = [];
    for (const [key, { endpoint, check }] of wanted) {
      if (this.#states.has(key)) continue;
      const state: CheckState = { isHealthy: false, contrary: 0, timer: undefined, announces: false };
      this.#states.set(key, state);
      added.push(state);
      if (check.initialDelayMs === 0) first.push(this.#check(key, state, endpoint, check));
      else this.#later(key, state, endpoint, check, check.initialDelayMs);
    }
    if (first.length > 0) await Promise.race([Promise.all(first), delay(waitMs, undefined, { ref: false })]);
    for (const state of added) state.announces = true;
    return { ...model, clusters: model.clusters.map((cluster) => this.#withHealth(cluster)) };
  }

  close(): void {
    for (const state of this.#states.values()) clearTimeout(state.timer);
    this.#states.clear();
  }

  async #check(key: string, state: CheckState, endpoint: Endpoint, check: HealthCheck): Promise<void> {
    const reason = await this.#run(endpoint, check).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (this.#states.get(key) !== state) return;
    const isHealthy = reason === undefined;
    if (isHealthy === state.isHealthy) state.contrary = 0;
    else {
      state.contrary++;
      const enough = isHealthy ? check.successThreshold : check.failureThreshold;
      if (state.contrary >= enough) {
        state.isHealthy = isHealthy;
        state.contrary = 0;
        this.#onResult(`${endpoint.address}:${endpoint.port}`, reason);
        if (state.announces) this.#onChange();
      }
    }
    this.#later(key, state, endpoint, check, check.intervalMs);
  }

  #later(key: string, state: CheckState, endpoint: Endpoint, check: HealthCheck, ms: number): void {
    state.timer = setTimeout(() => void this.#check(key, state, endpoint, check), ms);
    state.timer.unref();
  }

  #withHealth(cluster: Cluster): Cluster {
    if (cluster.endpoints.every(({ healthCheck }) => healthCheck === undefined)) return cluster;
    const endpoints = cluster.endpoints.map((endpoint) => {
      if (endpoint.healthCheck === undefined) return endpoint;
      const isHealthy = this.#states.get(keyOf(endpoint, endpoint.healthCheck))?.isHealthy === true;
      return { ...endpoint, healthy: endpoint.healthy && isHealthy };
    });
    return { ...cluster, endpoints };
  }
}

function keyOf(endpoint: Endpoint, check: HealthCheck): string {
  return `${endpoint.address} ${endpoint.port} ${JSON.stringify(check)}`;
}

function checksOf(model: RoutingModel): Map<string, { endpoint: Endpoint; check: HealthCheck }> {
  const checks = new Map<string, { endpoint: Endpoint; check: HealthCheck }>();
  for (const { endpoints } of model.clusters) {
    for (const endpoint of endpoints) {
      const check = endpoint.healthCheck;
      if (check !== undefined) checks.set(keyOf(endpoint, check), { endpoint, check });
    }
  }
  return checks;
}
