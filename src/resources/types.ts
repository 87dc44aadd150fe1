// SPDX-License-Identifier: Apache-2.0
/**
 * The resources that Weft reads, typed as their JSON: Istio's `networking.istio.io` kinds (v1alpha3, v1beta1 and v1 have
 * one schema) and the Kubernetes core kinds that routing needs. Validation happens before anything gets these types, so
 * later stages may rely on required fields being there. Durations stay strings (`parseDuration` in scalars.ts).
 */
import type { ResourceId, SourcePosition } from './problem.js';

/** A validated resource and where it stood. `order` is its place in the input, the tie-break for "oldest first". */
export interface Resource<Kind extends string = string, Spec = unknown> extends ResourceId {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch; absent in most files. */
  readonly creationTimestampMs?: number;
  readonly order: number;
  readonly spec: Spec;
  readonly position: SourcePosition;
  /** The position of a JSON path such as `spec.http[0].match[1]`; the nearest parent's where the path is absent. */
  positionOf(path: string): SourcePosition;
}

export interface StringMatchSpec {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

export interface DestinationSpec {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number?: number };
}

export interface HeaderOperationsSpec {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

export interface HeadersSpec {
  readonly request?: HeaderOperationsSpec;
  readonly response?: HeaderOperationsSpec;
}

export interface PercentSpec {
  readonly value?: number;
}

export interface HttpMatchRequestSpec {
  readonly name?: string;
  readonly uri?: StringMatchSpec;
  readonly ignoreUriCase?: boolean;
  readonly scheme?: StringMatchSpec;
  readonly method?: StringMatchSpec;
  readonly authority?: StringMatchSpec;
  readonly headers?: Readonly<Record<string, StringMatchSpec>>;
  /** A null value means "must be absent". */
  readonly withoutHeaders?: Readonly<Record<string, StringMatchSpec | null>>;
  readonly queryParams?: Readonly<Record<string, StringMatchSpec>>;
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
  readonly statPrefix?: string;
}

export interface HttpRouteDestinationSpec {
  readonly destination: DestinationSpec;
  readonly weight?: number;
  readonly headers?: HeadersSpec;
}

export interface HttpRedirectSpec {
  readonly uri?: string;
  readonly prefixRewrite?: string;
  readonly authority?: string;
  readonly port?: number;
  readonly derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT';
  readonly scheme?: string;
  readonly redirectCode?: number;
}

export interface HttpDirectResponseSpec {
  readonly status: number;
  /** `bytes` is base64. */
  readonly body?: { readonly string?: string; readonly bytes?: string };
}

export interface HttpRewriteSpec {
  readonly uri?: string;
  readonly authority?: string;
  readonly uriRegexRewrite?: { readonly match: string; readonly rewrite: string };
}

export interface HttpRetrySpec {
  readonly attempts?: number;
  readonly perTryTimeout?: string;
  readonly retryOn?: string;
  readonly retryRemoteLocalities?: boolean;
  readonly retryIgnorePreviousHosts?: boolean;
  readonly backoff?: string;
}

export interface HttpFaultInjectionSpec {
  readonly delay?: { readonly fixedDelay?: string; readonly percentage?: PercentSpec; readonly percent?: number };
  readonly abort?: { readonly httpStatus?: number; readonly grpcStatus?: string; readonly percentage?: PercentSpec };
}

export interface CorsPolicySpec {
  readonly allowOrigins?: readonly StringMatchSpec[];
  readonly allowOrigin?: readonly string[];
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge?: string;
  readonly allowCredentials?: boolean;
  readonly unmatchedPreflights?: 'UNSPECIFIED' | 'FORWARD' | 'IGNORE';
}

export interface HttpRouteSpec {
  readonly name?: string;
  readonly match?: readonly HttpMatchRequestSpec[];
  readonly route?: readonly HttpRouteDestinationSpec[];
  readonly redirect?: HttpRedirectSpec;
  readonly directResponse?: HttpDirectResponseSpec;
  readonly delegate?: { readonly name: string; readonly namespace?: string };
  readonly rewrite?: HttpRewriteSpec;
  readonly timeout?: string;
  readonly retries?: HttpRetrySpec;
  readonly fault?: HttpFaultInjectionSpec;
  readonly headers?: HeadersSpec;
  readonly mirror?: DestinationSpec;
  readonly mirrorPercentage?: PercentSpec;
  readonly mirrorPercent?: number;
  readonly mirror_percent?: number;
  readonly mirrors?: readonly { readonly destination: DestinationSpec; readonly percentage?: PercentSpec }[];
  readonly corsPolicy?: CorsPolicySpec;
}

/** Conditions of a connection that `tcp` and `tls` rules share. */
export interface Layer4MatchSpec {
  readonly destinationSubnets?: readonly string[];
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
  readonly gateways?: readonly string[];
}

export interface TcpRouteSpec {
  readonly match?: readonly Layer4MatchSpec[];
  readonly route: readonly { readonly destination: DestinationSpec; readonly weight?: number }[];
}

export interface TlsRouteSpec extends Pick<TcpRouteSpec, 'route'> {
  readonly match: readonly (Layer4MatchSpec & { readonly sniHosts: readonly string[] })[];
}

export interface VirtualServiceSpec {
  readonly hosts?: readonly string[];
  readonly gateways?: readonly string[];
  readonly http?: readonly HttpRouteSpec[];
  readonly tls?: readonly TlsRouteSpec[];
  readonly tcp?: readonly TcpRouteSpec[];
  readonly exportTo?: readonly string[];
}

export interface ConnectionPoolSpec {
  readonly tcp?: {
    readonly maxConnections?: number;
    readonly connectTimeout?: string;
    readonly idleTimeout?: string;
    readonly maxConnectionDuration?: string;
  };
  readonly http?: {
    readonly http1MaxPendingRequests?: number;
    readonly http2MaxRequests?: number;
    readonly maxRequestsPerConnection?: number;
    readonly maxRetries?: number;
    readonly idleTimeout?: string;
  };
}

export interface LoadBalancerSpec {
  readonly simple?: 'UNSPECIFIED' | 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'LEAST_CONN' | 'RANDOM' | 'PASSTHROUGH';
  readonly consistentHash?: unknown;
}

export interface PortTrafficPolicySpec {
  readonly port?: { readonly number?: number };
  readonly loadBalancer?: LoadBalancerSpec;
  readonly connectionPool?: ConnectionPoolSpec;
  readonly outlierDetection?: unknown;
  readonly tls?: ClientTlsSpec;
}

/** TLS to upstreams; an absent mode means DISABLE. */
export interface ClientTlsSpec {
  readonly mode?: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly caCrl?: string;
  readonly credentialName?: string;
  readonly subjectAltNames?: readonly string[];
  readonly sni?: string;
  readonly insecureSkipVerify?: boolean;
}

export interface TrafficPolicySpec extends PortTrafficPolicySpec {
  readonly portLevelSettings?: readonly PortTrafficPolicySpec[];
  /** `budgetInterval` widens the share to the requests of an interval. */
  readonly retryBudget?: {
    readonly percent?: number;
    readonly minRetryConcurrency?: number;
    readonly budgetInterval?: string;
  };
}

export interface SubsetSpec {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicySpec;
}

export interface DestinationRuleSpec {
  readonly host: string;
  readonly trafficPolicy?: TrafficPolicySpec;
  readonly subsets?: readonly SubsetSpec[];
  readonly exportTo?: readonly string[];
  readonly workloadSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

export interface PortSpec {
  readonly number: number;
  readonly name?: string;
  readonly protocol?: string;
  readonly targetPort?: number;
}

export interface ServerSpec {
  readonly port: PortSpec;
  /** IP or `unix://` path. */
  readonly bind?: string;
  readonly hosts: readonly string[];
  readonly name?: string;
  readonly tls?: ServerTlsSpec;
}

/** A Gateway server's TLS settings; an absent mode means PASSTHROUGH. */
export interface ServerTlsSpec {
  readonly mode?: 'PASSTHROUGH' | 'SIMPLE' | 'MUTUAL' | 'OPTIONAL_MUTUAL' | 'ISTIO_MUTUAL' | 'AUTO_PASSTHROUGH';
  readonly httpsRedirect?: boolean;
  readonly serverCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly caCrl?: string;
  readonly credentialName?: string;
  readonly credentialNames?: readonly string[];
  readonly tlsCertificates?: readonly {
    readonly serverCertificate: string;
    readonly privateKey: string;
    readonly caCertificates?: string;
  }[];
  readonly caCertCredentialName?: string;
  readonly subjectAltNames?: readonly string[];
  readonly verifyCertificateSpki?: readonly string[];
  readonly verifyCertificateHash?: readonly string[];
  readonly minProtocolVersion?: ServerTlsVersion;
  readonly maxProtocolVersion?: ServerTlsVersion;
  readonly cipherSuites?: readonly string[];
  readonly ecdhCurves?: readonly string[];
  readonly insecureSkipVerify?: boolean;
}

export type ServerTlsVersion = 'TLS_AUTO' | 'TLSV1_0' | 'TLSV1_1' | 'TLSV1_2' | 'TLSV1_3';

export interface GatewaySpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly servers: readonly ServerSpec[];
}

export interface WorkloadEntrySpec {
  readonly address?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string;
  readonly locality?: string;
  readonly weight?: number;
  readonly serviceAccount?: string;
}

/** Zero and absent have Istio's defaults. */
export interface ProbeSpec {
  readonly initialDelaySeconds?: number;
  readonly timeoutSeconds?: number;
  readonly periodSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number;
    readonly host?: string;
    readonly scheme?: 'HTTP' | 'HTTPS';
    readonly httpHeaders?: readonly { readonly name: string; readonly value?: string }[];
  };
  readonly tcpSocket?: { readonly host?: string; readonly port: number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly exec?: { readonly command: readonly string[] };
}

export interface WorkloadGroupSpec {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly template: WorkloadEntrySpec;
  readonly probe?: ProbeSpec;
}

export interface ServiceEntrySpec {
  readonly hosts: readonly string[];
  readonly addresses?: readonly string[];
  readonly ports?: readonly PortSpec[];
  readonly location?: 'MESH_EXTERNAL' | 'MESH_INTERNAL';
  readonly resolution?: 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS';
  readonly endpoints?: readonly WorkloadEntrySpec[];
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly exportTo?: readonly string[];
  readonly subjectAltNames?: readonly string[];
}

export interface SidecarEgressSpec {
  readonly port?: PortSpec;
  readonly bind?: string;
  /** `namespace/host`. */
  readonly hosts: readonly string[];
}

export interface SidecarIngressSpec {
  readonly port: PortSpec;
  readonly bind?: string;
  readonly captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE';
  readonly defaultEndpoint?: string;
  readonly connectionPool?: ConnectionPoolSpec;
}

export interface SidecarSpec {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly ingress?: readonly SidecarIngressSpec[];
  readonly inboundConnectionPool?: ConnectionPoolSpec;
  readonly egress?: readonly SidecarEgressSpec[];
  /** Present without a mode it means REGISTRY_ONLY. */
  readonly outboundTrafficPolicy?: {
    readonly mode?: 'REGISTRY_ONLY' | 'ALLOW_ANY';
    readonly egressProxy?: DestinationSpec;
  };
}

export interface ServiceSpec {
  readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly externalName?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort?: number | string;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
  readonly publishNotReadyAddresses?: boolean;
}

/** EndpointSlice has no `spec`; its top-level fields are taken as one. */
export interface EndpointSliceSpec {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: {
      readonly ready?: boolean | null;
      readonly serving?: boolean;
      readonly terminating?: boolean;
    };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
    readonly nodeName?: string;
    readonly zone?: string;
  }[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
}

/** Endpoints has no `spec` either. */
export interface EndpointsSpec {
  readonly subsets?: readonly {
    readonly addresses?: readonly EndpointsAddress[];
    readonly notReadyAddresses?: readonly EndpointsAddress[];
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  }[];
}

export interface EndpointsAddress {
  readonly ip: string;
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
}

/** A Pod's `spec` and `status`, as far as endpoints need them. */
export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly hostNetwork?: boolean;
  readonly nodeName?: string;
  readonly containers?: readonly {
    readonly name?: string;
    readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  }[];
  readonly status?: {
    readonly podIP?: string;
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Secret has no `spec`. */
export interface SecretSpec {
  readonly type?: string;
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export type VirtualService = Resource<'VirtualService', VirtualServiceSpec>;
export type DestinationRule = Resource<'DestinationRule', DestinationRuleSpec>;
export type Gateway = Resource<'Gateway', GatewaySpec>;
export type ServiceEntry = Resource<'ServiceEntry', ServiceEntrySpec>;
export type WorkloadGroup = Resource<'WorkloadGroup', WorkloadGroupSpec>;
export type Sidecar = Resource<'Sidecar', SidecarSpec>;
export type WorkloadEntry = Resource<'WorkloadEntry', WorkloadEntrySpec>;
export type Service = Resource<'Service', ServiceSpec>;
export type EndpointSlice = Resource<'EndpointSlice', EndpointSliceSpec>;
export type Endpoints = Resource<'Endpoints', EndpointsSpec>;
export type Pod = Resource<'Pod', PodSpec>;
export type Secret = Resource<'Secret', SecretSpec>;
export type Namespace = Resource<'Namespace', Record<string, unknown>>;

export type KnownResource =
  | VirtualService
  | DestinationRule
  | Gateway
  | ServiceEntry
  | WorkloadEntry
  | WorkloadGroup
  | Sidecar
  | Service
  | EndpointSlice
  | Endpoints
  | Pod
  | Secret
  | Namespace;
