// SPDX-License-Identifier: Apache-2.0
/**
 * A routing model -> Envoy's /config_dump (envoy.admin.v3.ConfigDump as JSON, names in snake case as Envoy prints them), so
 * that tools that read a sidecar's dump can read Weft's. Everything counts as dynamic, with the generation as its version.
 */
import type { RE2JS } from 're2js';
import type { Listener, RoutingModel } from '../model/model.js';
import type { HostData } from '../rules/encoded-tables.js';
import { renderCluster, renderLoadAssignment } from './render-cluster.js';
import { renderListener } from './render-listener.js';
import type { ListenerFacts } from './render-listener.js';
import { renderRouteConfig } from './render-route.js';
import { renderTableRoutes } from './render-table-routes.js';
import { BadParameterError } from './query.js';

export interface ConfigDumpOptions {
  readonly includeEndpoints: boolean;
  /** Only this list, such as `dynamic_active_clusters`. */
  readonly resource?: string | undefined;
  /** Must match a resource's whole name. */
  readonly nameRegex?: RE2JS | undefined;
}

export interface ConfigDumpInput {
  readonly model: RoutingModel | undefined;
  /** Stands in where there is no model; without both the dump has the bootstrap and empty lists. */
  readonly host: HostData | undefined;
  readonly node: object;
  readonly generation: number;
  /** ISO 8601, absent before the first configuration. */
  readonly lastUpdated: string | undefined;
}

interface Entry {
  readonly name: string;
  readonly value: object;
}

/** A list of the dump: which section it stands in, and the message type of its elements. */
interface ResourceList {
  readonly section: string;
  readonly resource: string;
  readonly elementType: string;
  readonly entries: readonly Entry[];
}

/**
 * The dump, or with `resource` only the elements of that list.
 *
 * @throws BadParameterError when there is no such list.
 */
export function renderConfigDump(input: ConfigDumpInput, options: ConfigDumpOptions): { configs: object[] } {
  const lists = resourceLists(input, options.includeEndpoints).map((list) => ({
    ...list,
    entries: list.entries.filter(({ name }) => options.nameRegex?.matches(name) ?? true),
  }));
  if (options.resource !== undefined) {
    const list = lists.find(({ resource }) => resource === options.resource);
    if (list === undefined) {
      const known = lists.map(({ resource }) => resource).join(', ');
      throw new BadParameterError(`resource ${JSON.stringify(options.resource)} is not a list of the dump: ${known}`);
    }
    return { configs: list.entries.map(({ value }) => ({ '@type': typeUrl(list.elementType), ...value })) };
  }
  const bootstrap = {
    '@type': typeUrl('BootstrapConfigDump'),
    bootstrap: { node: input.node },
    last_updated: input.lastUpdated,
  };
  const sections = lists.map(({ section, resource, entries }) => ({
    '@type': typeUrl(section),
    ...(section === 'EndpointsConfigDump' ? {} : { version_info: String(input.generation) }),
    [resource]: entries.map(({ value }) => value),
  }));
  return { configs: [bootstrap, ...sections] };
}

function typeUrl(message: string): string {
  return `type.googleapis.com/envoy.admin.v3.${message}`;
}

/** In Envoy's order of sections. */
function resourceLists(input: ConfigDumpInput, includeEndpoints: boolean): ResourceList[] {
  const resources = renderedResources(input);
  const version = { version_info: String(input.generation), last_updated: input.lastUpdated };
  const lists: ResourceList[] = [
    {
      section: 'ClustersConfigDump',
      resource: 'dynamic_active_clusters',
      elementType: 'ClustersConfigDump.DynamicCluster',
      entries: resources.clusters.map(({ name, value }) => ({ name, value: { ...version, cluster: value } })),
    },
    {
      section: 'ListenersConfigDump',
      resource: 'dynamic_listeners',
      elementType: 'ListenersConfigDump.DynamicListener',
      entries: resources.listeners.map(({ name, value }) => ({
        name,
        value: { name, active_state: { ...version, listener: value } },
      })),
    },
    {
      section: 'RoutesConfigDump',
      resource: 'dynamic_route_configs',
      elementType: 'RoutesConfigDump.DynamicRouteConfig',
      entries: resources.routeConfigs.map(({ name, value }) => ({ name, value: { ...version, route_config: value } })),
    },
  ];
  if (includeEndpoints) {
    lists.splice(1, 0, {
      section: 'EndpointsConfigDump',
      resource: 'dynamic_endpoint_configs',
      elementType: 'EndpointsConfigDump.DynamicEndpointConfig',
      entries: resources.assignments.map(({ name, value }) => ({
        name,
        value: { ...version, endpoint_config: value },
      })),
    });
  }
  return lists;
}

interface RenderedResources {
  readonly clusters: readonly Entry[];
  readonly assignments: readonly Entry[];
  readonly listeners: readonly Entry[];
  readonly routeConfigs: readonly Entry[];
}

/** A proxy that runs from a table file has no model; its tables still know all but the details of matches and actions. */
function renderedResources({ model, host }: ConfigDumpInput): RenderedResources {
  const clusters = model?.clusters ?? (host?.clusters ?? []).map((data) => ({ ...data, circuitBreaker: data.limits }));
  const listeners = model === undefined ? listenersOfTables(host) : model.listeners.map(listenerFacts);
  const routeConfigs =
    model === undefined
      ? (host?.filterChains ?? []).flatMap(({ routeConfigName, tcp }, index) =>
          tcp === undefined ? [named(routeConfigName, renderTableRoutes(host, index))] : [],
        )
      : model.listeners.flatMap(({ filterChains, configPort }) =>
          filterChains.flatMap(({ filter }) =>
            filter.kind === 'http' ? [named(filter.routeConfigName, renderRouteConfig(filter, configPort))] : [],
          ),
        );
  return {
    clusters: clusters.map((cluster) => named(cluster.name, renderCluster(cluster))),
    assignments: clusters.map((cluster) => named(cluster.name, renderLoadAssignment(cluster))),
    listeners: listeners.map((listener) => named(listener.name, renderListener(listener))),
    // Listeners on several addresses of one port share their routes.
    routeConfigs: [...new Map(routeConfigs.map((entry) => [entry.name, entry])).values()],
  };
}

function listenerFacts(listener: Listener): ListenerFacts {
  const filterChains = listener.filterChains.map(({ name, match, filter }) => {
    const tcp = filter.kind === 'tcp' ? { tcp: filter } : {};
    return { name, match, routeConfigName: filter.routeConfigName, ...tcp };
  });
  return { ...listener, filterChains };
}

function listenersOfTables(host: HostData | undefined): ListenerFacts[] {
  return (host?.listeners ?? []).map((listener, index) => {
    return { ...listener, filterChains: host?.filterChains.filter((chain) => chain.listener === index) ?? [] };
  });
}

function named(name: string, value: object): Entry {
  return { name, value };
}
