// SPDX-License-Identifier: Apache-2.0
/** What the rules compiler hands over: the tables for the engine, and the facts that only the host needs. */
import type {
  CorsPolicy,
  DownstreamTls,
  FilterChainMatch,
  Mirror,
  Origin,
  PathNormalization,
  RedirectAction,
  RetryPolicy,
  ServiceIdentity,
  TcpProxy,
  UpstreamTls,
  WorkloadIdentity,
} from '../model/model.js';

export interface EncodedTables {
  /** Position-independent; format in assembly/layout.ts. */
  readonly tables: Uint8Array;
  readonly host: HostData;
}

/** Plain data; what has records in the tables is in their order: element i describes record i. Listeners have none. */
export interface HostData {
  readonly listeners: readonly ListenerData[];
  readonly filterChains: readonly FilterChainData[];
  readonly virtualHosts: readonly VirtualHostData[];
  readonly routes: readonly RouteData[];
  readonly clusters: readonly ClusterData[];
  /** Patterns without a DFA, which the host runs (DECISION_ASK_HOST). */
  readonly patterns: readonly string[];
}

export interface ListenerData {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly configPort: number;
  readonly kind: 'gateway' | 'sidecar-outbound' | 'sidecar-inbound';
  readonly pathNormalization: PathNormalization;
  readonly detectionTimeoutMs?: number;
  readonly origin: Origin;
}

export interface FilterChainData {
  /** Unique. */
  readonly name: string;
  readonly listener: number;
  readonly match: FilterChainMatch;
  readonly tls?: DownstreamTls;
  readonly routeConfigName: string;
  /** Absent: the chain speaks HTTP. */
  readonly tcp?: Pick<TcpProxy, 'clusters' | 'idleTimeoutMs' | 'maxDurationMs'>;
  readonly origin: Origin;
}

export interface VirtualHostData {
  readonly name: string;
  readonly domains: readonly string[];
  readonly filterChain: number;
  readonly firstRoute: number;
  readonly routeCount: number;
}

export interface RouteData {
  readonly name: string;
  readonly virtualHost: number;
  readonly statPrefix?: string;
  readonly origin: Origin;
  /** Names of the conditions in the numbering of testRoute, such as `path prefix /api` or `header version exact new`. */
  readonly conditions: readonly string[];
  readonly redirect?: RedirectAction;
  readonly directBody?: Uint8Array;
  readonly directStatus?: number;
  /** The cluster that a direct response is counted for. */
  readonly directCluster?: string;
  readonly regexRewrite?: { readonly pattern: string; readonly substitution: string };
  /** Where it differs from the defaults. */
  readonly retry?: Pick<
    RetryPolicy,
    'statusCodes' | 'perTryTimeoutMs' | 'backoffBaseMs' | 'reusesHosts' | 'prefersOtherLocalities'
  >;
  readonly cors?: CorsPolicy;
  readonly mirrors?: readonly Mirror[];
  readonly abortGrpcStatus?: number;
  /** True when a header template of the responses needs the request's head again. */
  readonly keepRequestHead: boolean;
  /** Index of the first weighted cluster record, in order. */
  readonly weighted: readonly { readonly cluster: string; readonly weight: number }[];
}

export interface ClusterData {
  readonly name: string;
  readonly service: ServiceIdentity;
  readonly subset: string;
  readonly origin: Origin;
  readonly discovery?: 'request-authority';
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxRequestsPerConnection: number;
  readonly upstreamTls?: UpstreamTls;
  readonly limits: { maxConnections: number; maxPendingRequests: number; maxRequests: number; maxRetries: number };
  /** In the order of the endpoint records. */
  readonly firstEndpoint: number;
  readonly endpoints: readonly EndpointData[];
}

export interface EndpointData {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly healthy: boolean;
  readonly workload: WorkloadIdentity;
}
