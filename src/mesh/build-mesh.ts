// SPDX-License-Identifier: Apache-2.0
/**
 * Validated resources -> the Mesh. Nothing is dropped for being unused or invisible: each proxy sees another part of the
 * mesh, so that is decided when one is lowered.
 */
import type { EndpointSlice, Endpoints, KnownResource, Resource, Service, ServiceEntry } from '../resources/types.js';
import { compareAge, compareText } from './age-order.js';
import { endpointsOfServicePort } from './kubernetes-endpoints.js';
import type { EndpointSources } from './kubernetes-endpoints.js';
import type { Mesh, MeshEndpoint, MeshService, ServiceAlias } from './mesh.js';
import { protocolOfDeclaration, protocolOfServicePort } from './port-protocol.js';
import { endpointsOfEntryPort, hasEndpointList } from './service-entry-endpoints.js';
import { annotatedProbe } from './probes.js';
import { DEFAULT_MESH_SETTINGS } from './settings.js';
import type { MeshSettings } from './settings.js';
import { visibilityOf } from './visibility.js';
import type { Visibility } from './visibility.js';
import { WorkloadIndex } from './workload-index.js';

/** Kubernetes' label that ties an EndpointSlice to its Service. */
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** Istio's annotation that limits who sees a Service: a comma-separated exportTo. */
const EXPORT_TO_ANNOTATION = 'networking.istio.io/exportTo';

/** `settings` defaults to Istio's MeshConfig defaults. */
export function buildMesh(resources: readonly KnownResource[], settings: MeshSettings = DEFAULT_MESH_SETTINGS): Mesh {
  const sources = endpointSources(resources);
  const services = new Map<string, MeshService[]>();
  const aliases = new Map<string, ServiceAlias>();
  const add = (service: MeshService): void => {
    const list = services.get(service.host);
    if (list === undefined) services.set(service.host, [service]);
    else list.push(service);
  };
  // Kubernetes first: the order inside one host's list is the order of preference.
  for (const service of ofKind(resources, 'Service')) {
    if (service.spec.type === 'ExternalName') {
      const alias = aliasOf(service, settings);
      if (!aliases.has(alias.host)) aliases.set(alias.host, alias);
    } else add(kubernetesService(service, settings, sources));
  }
  for (const entry of ofKind(resources, 'ServiceEntry')) {
    for (const host of entry.spec.hosts) add(serviceOfEntry(entry, host.toLowerCase(), settings, sources));
  }
  return {
    settings,
    services,
    aliases,
    virtualServices: ofKind(resources, 'VirtualService'),
    destinationRules: ofKind(resources, 'DestinationRule'),
    gateways: ofKind(resources, 'Gateway'),
    sidecars: ofKind(resources, 'Sidecar'),
  };
}

/** All resources of one kind, oldest first. */
function ofKind<Kind extends KnownResource['kind']>(
  resources: readonly KnownResource[],
  kind: Kind,
): Extract<KnownResource, { kind: Kind }>[] {
  const isKind = (resource: KnownResource): resource is Extract<KnownResource, { kind: Kind }> =>
    resource.kind === kind;
  return resources.filter(isKind).sort((left: Resource, right: Resource) => compareAge(left, right));
}

function endpointSources(resources: readonly KnownResource[]): EndpointSources {
  const slices = new Map<string, EndpointSlice[]>();
  for (const slice of ofKind(resources, 'EndpointSlice')) {
    const key = `${slice.namespace}/${slice.labels[SERVICE_NAME_LABEL] ?? ''}`;
    const list = slices.get(key);
    if (list === undefined) slices.set(key, [slice]);
    else list.push(slice);
  }
  const endpoints = new Map<string, Endpoints>();
  for (const resource of ofKind(resources, 'Endpoints')) {
    endpoints.set(`${resource.namespace}/${resource.name}`, resource);
  }
  const workloads = new WorkloadIndex(
    ofKind(resources, 'Pod'),
    ofKind(resources, 'WorkloadEntry'),
    ofKind(resources, 'WorkloadGroup'),
  );
  return { slices, endpoints, workloads };
}

function kubernetesService(service: Service, settings: MeshSettings, sources: EndpointSources): MeshService {
  const { clusterIP, clusterIPs, selector = {}, ports = [] } = service.spec;
  const declared = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return {
    host: hostOf(service, settings),
    name: service.name,
    namespace: service.namespace,
    source: service,
    visibility: serviceVisibility(service, settings),
    addresses: declared.filter((address) => address !== 'None' && address !== ''),
    headless: clusterIP === 'None' || declared.includes('None'),
    hasEndpointList: true,
    selector,
    ports: ports.map((port, index) => ({
      number: port.port,
      name: port.name ?? '',
      protocol: protocolOfServicePort(port),
      targetPort: port.targetPort ?? port.port,
      endpoints: probed(service, inStableOrder(endpointsOfServicePort(service, port, sources))),
      path: `spec.ports[${index}]`,
    })),
  };
}

function serviceOfEntry(
  entry: ServiceEntry,
  host: string,
  settings: MeshSettings,
  sources: EndpointSources,
): MeshService {
  const { addresses = [], ports = [], exportTo } = entry.spec;
  return {
    host,
    name: host,
    namespace: entry.namespace,
    source: entry,
    visibility: visibilityOf(exportTo, entry.namespace, settings.defaultServiceExportTo),
    addresses,
    headless: false,
    hasEndpointList: hasEndpointList(entry),
    selector: {},
    ports: ports.map((port, index) => ({
      number: port.number,
      name: port.name ?? '',
      protocol: protocolOfDeclaration(port.protocol),
      targetPort: port.targetPort ?? port.number,
      endpoints: probed(entry, inStableOrder(endpointsOfEntryPort(entry, host, port, sources.workloads))),
      path: `spec.ports[${index}]`,
    })),
  };
}

function aliasOf(service: Service, settings: MeshSettings): ServiceAlias {
  return {
    host: hostOf(service, settings),
    name: service.name,
    namespace: service.namespace,
    target: (service.spec.externalName ?? '').toLowerCase().replace(/\.$/, ''),
    visibility: serviceVisibility(service, settings),
    source: service,
  };
}

function hostOf(service: Service, settings: MeshSettings): string {
  return `${service.name}.${service.namespace}.svc.${settings.domain}`.toLowerCase();
}

function serviceVisibility(service: Service, settings: MeshSettings): Visibility {
  const exportTo = service.annotations[EXPORT_TO_ANNOTATION]?.split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return visibilityOf(exportTo, service.namespace, settings.defaultServiceExportTo);
}

/** With the probe that the service's own annotation asks for, where an endpoint has none. */
function probed(resource: Service | ServiceEntry, endpoints: readonly MeshEndpoint[]): readonly MeshEndpoint[] {
  const probe = annotatedProbe(resource);
  if (probe === undefined) return endpoints;
  return endpoints.map((endpoint) => (endpoint.probe === undefined ? { ...endpoint, probe } : endpoint));
}

/**
 * Sorted, so that a model does not change with the order in which an API server lists things; one address and port stands
 * once, since several slices may name it (Kubernetes' EndpointSlice duplicates).
 */
function inStableOrder(endpoints: MeshEndpoint[]): readonly MeshEndpoint[] {
  endpoints.sort((left, right) => compareText(left.address, right.address) || left.port - right.port);
  return endpoints.filter((endpoint, index) => {
    const previous = endpoints[index - 1];
    return previous === undefined || previous.address !== endpoint.address || previous.port !== endpoint.port;
  });
}
