// SPDX-License-Identifier: Apache-2.0
/**
 * A Sidecar's `ingress` -> listeners in front of the workload itself, each with one route to where the workload listens.
 * Nothing is captured here, so only what the resource names is opened, and each entry has to name that place: without
 * `defaultEndpoint` Istio means the address that the client dialled.
 */
import type { Cluster, Endpoint, Listener, Origin } from '../model/model.js';
import { selects } from '../mesh/mesh.js';
import type { MeshService } from '../mesh/mesh.js';
import { isHttp, protocolOfDeclaration } from '../mesh/port-protocol.js';
import type { Sidecar, SidecarIngressSpec } from '../resources/types.js';
import { workloadIdentity } from './clusters.js';
import { originOf } from './findings.js';
import { listenPortOf } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import { CATCH_ALL } from './route-match.js';
import { circuitBreakerOf, connectTimeoutMsOf, idleTimeoutMsOf } from './traffic-policy.js';

/** Istio's policy between a proxy and its own workload; gRPC clients retry by themselves. */
const INBOUND_RETRY = { attempts: 2, conditions: ['reset-before-request'] } as const;
const NO_RETRY = { attempts: 0, conditions: [] } as const;

export function lowerSidecarIngress(context: LowerContext, sidecar: Sidecar): Listener[] {
  const listeners: Listener[] = [];
  for (const [index, entry] of (sidecar.spec.ingress ?? []).entries()) {
    const path = `spec.ingress[${index}]`;
    const protocol = protocolOfDeclaration(entry.port.protocol);
    const endpoint = endpointOf(context, entry);
    const missing = !isHttp(protocol)
      ? `port ${entry.port.number} does not declare an HTTP protocol`
      : endpoint === undefined
        ? `port ${entry.port.number} names no IP address and port where the workload listens`
        : undefined;
    if (missing !== undefined || endpoint === undefined) {
      const hint = 'Set port.protocol to HTTP and defaultEndpoint to 127.0.0.1:PORT.';
      context.findings.add('not-executed', sidecar, path, `${missing ?? ''}; no listener is opened for it`, hint);
      continue;
    }
    const origin = originOf(sidecar, path);
    const cluster = useInbound(context, sidecar, entry, endpoint, origin);
    listeners.push(listenerOf(context, entry, cluster, protocol === 'GRPC', origin));
  }
  return listeners;
}

function listenerOf(
  context: LowerContext,
  { bind = '', port }: SidecarIngressSpec,
  cluster: string,
  isGrpc: boolean,
  origin: Origin,
): Listener {
  const address = bind === '' ? context.node.bind : bind;
  const listenPort = listenPortOf(context.node, port.number);
  const name = `${address}_${listenPort}`;
  const action = {
    kind: 'forward' as const,
    clusters: [{ cluster, weight: 1, requestHeaders: [], responseHeaders: [] }],
    timeoutMs: 0,
    retry: isGrpc ? NO_RETRY : INBOUND_RETRY,
  };
  const route = { name: 'default', match: CATCH_ALL, action, origin };
  const hostName = `inbound|http|${port.number}`;
  const virtualHosts = [{ name: hostName, domains: ['*'], routes: [route], origins: [origin] }];
  return {
    name,
    address,
    port: listenPort,
    configPort: port.number,
    kind: 'sidecar-inbound',
    pathNormalization: context.mesh.settings.pathNormalization,
    filterChains: [
      {
        name,
        match: { serverNames: [] },
        filter: { kind: 'http', routeConfigName: `inbound|${port.number}||`, virtualHosts },
        origin,
      },
    ],
    origin,
  };
}

/** Limits: those of the entry, of the Sidecar, or of the DestinationRule of the workload's own service (Istio 1.31). */
function useInbound(
  context: LowerContext,
  sidecar: Sidecar,
  entry: SidecarIngressSpec,
  endpoint: Endpoint,
  origin: Origin,
): string {
  const { number } = entry.port;
  const own = ownService(context, number);
  const given = entry.connectionPool ?? sidecar.spec.inboundConnectionPool;
  const policy = given === undefined ? context.clusters.policyOf(own?.service, own?.port) : { connectionPool: given };
  const cluster: Cluster = {
    name: `inbound|${number}||`,
    service: {
      host: own?.service.host ?? 'unknown',
      name: own?.service.name ?? 'unknown',
      namespace: own?.service.namespace ?? context.node.namespace,
      port: own?.port ?? number,
    },
    subset: '',
    loadBalancer: 'LEAST_REQUEST',
    endpoints: [endpoint],
    circuitBreaker: circuitBreakerOf(policy),
    connectTimeoutMs: connectTimeoutMsOf(policy, context.mesh.settings.connectTimeoutMs),
    idleTimeoutMs: idleTimeoutMsOf(policy),
    maxRequestsPerConnection: policy.connectionPool?.http?.maxRequestsPerConnection ?? 0,
    origin,
  };
  return context.clusters.useBuilt(cluster);
}

/** The Service of the workload that sends to this port of it, and the port of the Service. */
function ownService(context: LowerContext, number: number): { service: MeshService; port: number } | undefined {
  const { mesh, node } = context;
  for (const services of mesh.services.values()) {
    for (const service of services) {
      const isOwn = service.namespace === node.namespace && Object.keys(service.selector).length > 0;
      if (!isOwn || !selects(service.selector, node.labels)) continue;
      const port = service.ports.find(({ targetPort }) => targetPort === number);
      if (port !== undefined) return { service, port: port.number };
    }
  }
  return undefined;
}

/** `0.0.0.0` and `[::]` mean the workload's own address, which serves on loopback as well as far as is known here. */
function endpointOf(context: LowerContext, { defaultEndpoint = '' }: SidecarIngressSpec): Endpoint | undefined {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([0-9.]+)):(\d+)$/.exec(defaultEndpoint) ?? [];
  const written = bracketed ?? plain;
  if (written === undefined) return undefined;
  const address = written === '0.0.0.0' ? '127.0.0.1' : written === '::' ? '::1' : written;
  const { labels, namespace } = context.node;
  const workload = { name: '', namespace, serviceAccount: '' };
  const mesh = { address, port: Number(port), weight: 1, healthy: true, labels, workload };
  return { address, port: Number(port), weight: 1, healthy: true, workload: workloadIdentity(mesh) };
}
