// SPDX-License-Identifier: Apache-2.0
/**
 * The routing model: what one proxy does with traffic, as plain JSON-like data in Envoy's words. `src/lower` writes it,
 * `src/rules` compiles it to tables, `weft routes` prints it. No Istio or Kubernetes type appears in it, and it holds
 * only what Weft executes. A model is never edited, only replaced.
 *
 * All durations are milliseconds. Header names are lower case. Hosts are lower case without a port.
 */

/** Where a part of the model was written down; printed by `explain`, the access log and `x-weft-reason`. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** JSON path inside the resource, such as `spec.http[2].match[0]`. */
  readonly path: string;
}

export interface RoutingModel {
  readonly listeners: readonly Listener[];
  /** In a stable order; names are unique. */
  readonly clusters: readonly Cluster[];
}

/** An address that accepts connections, and what is done with them. */
export interface Listener {
  /** `<address>_<port>`, as Envoy names it. */
  readonly name: string;
  readonly address: string;
  /** The port to bind, after the Service's targetPort and `--listen-map`. */
  readonly port: number;
  /** The port that the configuration speaks of (Gateway `servers[].port.number`, Service port). */
  readonly configPort: number;
  readonly kind: 'gateway' | 'sidecar-outbound' | 'sidecar-inbound';
  /** Istio's `pathNormalization`, applied before matching; the result is forwarded. */
  readonly pathNormalization: PathNormalization;
  /** At least one; no two of a listener match alike. Plaintext HTTP is one chain that matches everything. */
  readonly filterChains: readonly FilterChain[];
  /**
   * How long a client may take to show what it speaks, where a chain asks for that; then it gets the chain for all. 0 = for
   * ever (Istio protocolDetectionTimeout). Absent where nothing is to be detected.
   */
  readonly detectionTimeoutMs?: number;
  readonly origin: Origin;
}

/** What is done with the connections of a listener that a match picks. */
export interface FilterChain {
  /** Unique in the model and the same after a reload: the listener's name, or `<listener>/<route table>`. */
  readonly name: string;
  readonly match: FilterChainMatch;
  /** TLS is terminated before the filter; absent = plaintext. */
  readonly tls?: DownstreamTls;
  readonly filter: NetworkFilter;
  readonly origin: Origin;
}

/**
 * The most specific match wins: an exact name before the longest wildcard before none; and a chain for a protocol before the
 * one for all.
 */
export interface FilterChainMatch {
  /** Exact names or `*.example` of the ClientHello, in lower case; empty matches any name and none. */
  readonly serverNames: readonly string[];
  /** `tls`: connections that begin with a ClientHello. Of a chain without DownstreamTls it is passed on unread. */
  readonly transportProtocol?: 'tls';
  /** `http`: plaintext connections that begin with a request; how they begin is looked at for this chain's sake. */
  readonly applicationProtocol?: 'http';
}

/**
 * How TLS with clients is terminated. It names credentials and does not hold them, so that a printed model gives no key away;
 * a chain whose credentials are missing or bad refuses every handshake.
 */
export interface DownstreamTls {
  /** One of each kind of key. */
  readonly certificates: readonly CertificateSource[];
  readonly clientCertificate: 'ignored' | 'optional' | 'required';
  /** False accepts any client certificate. */
  readonly verifiesClient: boolean;
  /** Who signs client certificates; a Secret is looked for in this order. */
  readonly clientAuthorities: readonly AuthoritySource[];
  /** Exact names of which a client certificate must have one; empty = any. */
  readonly subjectAltNames: readonly string[];
  /** SHA-256 of the client's public key in base64 and of its certificate in hexadecimal; one of all must fit, if any is there. */
  readonly spkiHashes: readonly string[];
  readonly certificateHashes: readonly string[];
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names, for versions up to 1.2; empty = the runtime's own. */
  readonly cipherSuites: readonly string[];
  /** OpenSSL's names; empty = the runtime's own. */
  readonly curves: readonly string[];
  readonly alpn: readonly string[];
}

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export type CertificateSource =
  SecretReference | { readonly kind: 'file'; readonly certificate: string; readonly privateKey: string };

/** Authorities, and the revocation list beside them. */
export type AuthoritySource =
  SecretReference | { readonly kind: 'file'; readonly authorities: string; readonly revocations: string };

export interface SecretReference {
  readonly kind: 'secret';
  readonly namespace: string;
  readonly name: string;
}

/** What reads a chain's bytes. */
export type NetworkFilter = HttpConnectionManager | TcpProxy;

/** Bytes are passed on as they come, to a cluster that is drawn once for each connection. */
export interface TcpProxy {
  readonly kind: 'tcp';
  /** What stands for the route table in Envoy's names: the first cluster's name, or `BlackHoleCluster`. */
  readonly routeConfigName: string;
  /** Without any the connection is closed at once (Envoy's `NR`). */
  readonly clusters: readonly TcpCluster[];
  /** Without a byte in either direction; 0 = never. */
  readonly idleTimeoutMs: number;
  /** From accept to close, whatever goes on; 0 = no limit. */
  readonly maxDurationMs: number;
}

export interface TcpCluster {
  /** Name of a cluster of the model; a name that is not there closes the connection. */
  readonly cluster: string;
  readonly weight: number;
}

export interface HttpConnectionManager {
  readonly kind: 'http';
  /** Route table name, such as `http.8080`; for a sidecar the port number. */
  readonly routeConfigName: string;
  readonly virtualHosts: readonly VirtualHost[];
}

export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

export interface VirtualHost {
  /** `host:port`. */
  readonly name: string;
  /**
   * Exact domains (`a.example`), suffix wildcards (`*.example`, `*example`), or `*`. Lower case, no port. A domain stands
   * in one virtual host per filter chain only.
   */
  readonly domains: readonly string[];
  /** Tried in order; the first whose match holds wins. */
  readonly routes: readonly Route[];
  readonly origins: readonly Origin[];
}

export interface Route {
  /** Route name as in access logs; '' when unnamed. */
  readonly name: string;
  /** The route is counted under this name of its virtual host; absent = not by itself. */
  readonly statPrefix?: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly origin: Origin;
}

/** All parts must hold. */
export interface RouteMatch {
  readonly path: PathMatch;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  /** Compared with the full authority including a port, case-sensitively. */
  readonly authority?: StringMatch;
  readonly headers: readonly HeaderMatch[];
  readonly queryParams: readonly QueryMatch[];
}

export type StringMatch =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  /** RE2 syntax; must match the whole string. */
  | { readonly kind: 'regex'; readonly value: string };

/** Matched against the normalized path without the query. `any` matches every path. */
export type PathMatch =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly value: string; readonly ignoreCase: boolean }
  /** Plain string prefix, no segment logic. */
  | { readonly kind: 'prefix'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly value: string };

/**
 * `value: present` holds when the header is there at all. Each line of a header is compared by itself and one match is
 * enough. `invert: true` is Istio's withoutHeaders: it holds when no line matches, a missing header counting as the
 * empty string (but `present` inverted means absent).
 */
export interface HeaderMatch {
  /** Lower case; may be `:method`, `:path` (with query), `:authority`, `:scheme`. */
  readonly name: string;
  readonly value: StringMatch | { readonly kind: 'present' };
  readonly invert: boolean;
}

/** The first occurrence of the key; name and value are compared raw, without percent-decoding. */
export interface QueryMatch {
  readonly name: string;
  readonly value: StringMatch | { readonly kind: 'present' };
}

export type RouteAction = ForwardAction | RedirectAction | DirectResponseAction;

export interface ForwardAction {
  readonly kind: 'forward';
  /** At least one; weights are above zero unless it is the only one. */
  readonly clusters: readonly WeightedCluster[];
  readonly rewrite?: Rewrite;
  /** From the end of the request to the end of the response; 0 = none. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly fault?: Fault;
  readonly cors?: CorsPolicy;
  /** Each drawn against one random number of the request. */
  readonly mirrors?: readonly Mirror[];
}

/** A copy of requests for another cluster, whose answer nobody waits for. */
export interface Mirror {
  readonly cluster: string;
  readonly perMillion: number;
}

/** Texts are header values as they are sent; '' = the header is left out. */
export interface CorsPolicy {
  readonly allowsAnyOrigin: boolean;
  readonly allowOrigins: readonly StringMatch[];
  /** A lone `*` here and in `allowHeaders` echoes what the preflight asks for. */
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  /** Seconds. */
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  /** Preflights of origins that are not allowed are answered here instead of being forwarded. */
  readonly answersUnmatchedPreflights: boolean;
}

export interface WeightedCluster {
  /** Name of a cluster of the model; a name that is not there answers 503 `NC`. */
  readonly cluster: string;
  readonly weight: number;
  /** In the order of execution; the levels of Istio's §7.7 are already settled. */
  readonly requestHeaders: readonly HeaderOp[];
  readonly responseHeaders: readonly HeaderOp[];
  /** New authority after all levels are settled; absent = keep. */
  readonly hostRewrite?: string;
}

export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme?: 'http' | 'https';
  /** Taken literally. */
  readonly authority?: string;
  /** Absent: keep the rules of the request's Host; `listener`: Istio's FROM_REQUEST_PORT. */
  readonly port?: number | 'listener';
  /** Replaces the whole path; the query is kept unless the value has a `?`. */
  readonly path?: string;
  /** Replaces the matched prefix. */
  readonly prefixRewrite?: string;
  readonly responseHeaders: readonly HeaderOp[];
}

export interface DirectResponseAction {
  readonly kind: 'direct';
  /** Name of the cluster that the answers are counted for; absent = none. */
  readonly cluster?: string;
  readonly status: number;
  readonly body: Uint8Array;
  readonly responseHeaders: readonly HeaderOp[];
}

/** `add` appends a line; `set` replaces all lines. `value` is a template: see `parseTemplate` in header-template.ts. */
export type HeaderOp =
  | { readonly op: 'remove'; readonly name: string }
  | { readonly op: 'set' | 'add'; readonly name: string; readonly value: readonly TemplatePart[] };

/** A header value is the concatenation of its parts; `%%` has become a literal already. */
export type TemplatePart =
  | { readonly kind: 'literal'; readonly text: string }
  /** `%REQ(name?alternative):max%`; names lower case, `maxBytes` 0 = unlimited. */
  | {
      readonly kind: 'request-header' | 'response-header';
      readonly name: string;
      readonly alternative: string;
      readonly maxBytes: number;
    }
  | { readonly kind: TemplateFact };

/** Facts of the exchange that a template may name, in Envoy's operators (lower case, dashes). */
export type TemplateFact =
  | 'downstream-remote-address'
  | 'downstream-remote-address-without-port'
  | 'downstream-local-address'
  | 'downstream-local-address-without-port'
  | 'downstream-local-port'
  | 'upstream-remote-address'
  | 'upstream-cluster'
  | 'protocol'
  | 'start-time'
  | 'hostname'
  | 'route-name'
  | 'response-code';

export type Rewrite =
  /** Replaces what the path match matched (the prefix, or the whole path for exact and regex, or `/` for any). */
  | { readonly kind: 'path'; readonly value: string }
  /** All non-overlapping matches of an RE2 pattern in the path; `\0`..`\9` and `\\` in the substitution. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly substitution: string };

/** Absent fields have the defaults named with them. */
export interface RetryPolicy {
  /** Number of retries after the first try. */
  readonly attempts: number;
  readonly conditions: readonly RetryCondition[];
  /** For `retriable-status-codes`. */
  readonly statusCodes?: readonly number[];
  /** From the end of the request, or the start of the try; absent = none. */
  readonly perTryTimeoutMs?: number;
  /** Base of the exponential back-off; absent = 25. */
  readonly backoffBaseMs?: number;
  /** Whether an endpoint that was tried is chosen again; absent = not while there are others. */
  readonly reusesHosts?: boolean;
  /** Whether localities that were not tried come first; absent = false. */
  readonly prefersOtherLocalities?: boolean;
  /**
   * Whether requests that may have side effects are repeated on every condition. Absent = only when the upstream provably
   * has not processed them: no connection, nothing sent, a stream that it refused.
   */
  readonly repeatsUnsafe?: boolean;
}

/** Envoy's names, of its lists for HTTP and for gRPC. */
export type RetryCondition =
  | '5xx'
  | 'gateway-error'
  | 'reset'
  | 'reset-before-request'
  | 'connect-failure'
  | 'refused-stream'
  | 'retriable-4xx'
  | 'retriable-status-codes'
  | 'retriable-headers'
  | 'envoy-ratelimited'
  | 'http3-post-connect-failure'
  | 'cancelled'
  | 'deadline-exceeded'
  | 'internal'
  | 'resource-exhausted'
  | 'unavailable';

/** Percentages are parts per million (0..1 000 000), drawn independently: first the delay, then the abort. */
export interface Fault {
  readonly delay?: { readonly delayMs: number; readonly perMillion: number };
  readonly abort?: {
    readonly status: number;
    readonly perMillion: number;
    /** Answers with this status of gRPC; `status` is 200 then. */
    readonly grpcStatus?: number;
  };
}

export interface Cluster {
  /** `outbound|<port>|<subset>|<host>`. */
  readonly name: string;
  readonly service: ServiceIdentity;
  readonly subset: string;
  readonly loadBalancer: LoadBalancer;
  /** One that stands for any address where `discovery` finds it. */
  readonly endpoints: readonly Endpoint[];
  /** `request-authority`: each request says by its Host where it goes, as Envoy's dynamic forward proxy does. */
  readonly discovery?: 'request-authority';
  readonly circuitBreaker: CircuitBreaker;
  readonly connectTimeoutMs: number;
  /** Upstream connections without a request are closed after this; 0 = never. */
  readonly idleTimeoutMs: number;
  /** 0 = unlimited; 1 = no keep-alive. */
  readonly maxRequestsPerConnection: number;
  /** Connections to the endpoints are TLS; absent = plaintext. */
  readonly upstreamTls?: UpstreamTls;
  readonly origin: Origin;
}

/**
 * How TLS to the endpoints of a cluster is opened. It names credentials and does not hold them; a cluster whose credentials
 * are missing or bad opens no connection.
 */
export interface UpstreamTls {
  /** What the server is shown; absent = nothing. */
  readonly certificate?: CertificateSource;
  /** False accepts any server. */
  readonly verifiesServer: boolean;
  /** Who signs server certificates; a Secret is looked for in this order. Empty = the authorities of the system. */
  readonly authorities: readonly AuthoritySource[];
  /** Server name of the ClientHello; absent = the host of the request (Envoy's auto_sni). */
  readonly sni?: string;
  /** Of which the server's certificate must have one; empty = the server name when it is the request's, else any. */
  readonly subjectAltNames: readonly string[];
  readonly origin: Origin;
}

/** What Istio's metrics call destination_service and its parts. */
export interface ServiceIdentity {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
}

export type LoadBalancer = 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM';

/** 4294967295 means unlimited. */
export interface CircuitBreaker {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Retries under way at once are limited to this share of the cluster's requests; absent = no budget. */
  readonly retryBudget?: RetryBudget;
}

export interface RetryBudget {
  /** Of active and pending requests, 0..100. */
  readonly percent: number;
  /** Allowed in any case. */
  readonly minConcurrency: number;
}

export interface Endpoint {
  /** IPv4 or IPv6 literal, or a DNS name that the proxy resolves before compiling. */
  readonly address: string;
  readonly port: number;
  /** At least 1. */
  readonly weight: number;
  /** With a health check: what is known before it. */
  readonly healthy: boolean;
  readonly healthCheck?: HealthCheck;
  readonly workload: WorkloadIdentity;
}

/** How the proxy finds out by itself whether an endpoint serves. */
export type HealthCheck = HealthCheckTiming &
  (
    | { readonly kind: 'tcp' }
    | {
        readonly kind: 'http';
        readonly scheme: 'http' | 'https';
        readonly path: string;
        readonly headers: Readonly<Record<string, string>>;
      }
    /** grpc.health.v1; `service` may be ''. */
    | { readonly kind: 'grpc'; readonly service: string }
  );

interface HealthCheckTiming {
  readonly port: number;
  /** '' = the address of the endpoint. */
  readonly host: string;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** What metrics say of the workload behind an endpoint; 'unknown' where it is not known. */
export interface WorkloadIdentity {
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly principal: string;
}

export const UNLIMITED = 0xffff_ffff;
