// SPDX-License-Identifier: Apache-2.0
/**
 * The Gateways that select a proxy -> groups of servers that share an address and port, each of which becomes a listener.
 * The oldest server decides a port's protocol; later ones of another kind are skipped, as in Istio. Servers whose mode Weft does
 * not execute still hold their port and names.
 */
import { compareText } from '../mesh/age-order.js';
import { selects } from '../mesh/mesh.js';
import type { MeshPort } from '../mesh/mesh.js';
import { isHttp, protocolOfDeclaration } from '../mesh/port-protocol.js';
import type { Gateway, ServerSpec, ServerTlsSpec } from '../resources/types.js';
import type { LowerContext } from './lower-context.js';
import type { LowerCode } from './problem-codes.js';

export interface GatewayServer {
  readonly gateway: Gateway;
  readonly server: ServerSpec;
  readonly path: string;
}

export interface ServerGroup {
  readonly address: string;
  readonly port: number;
  /** The port after the Service's targetPort, which names the route table. */
  readonly targetPort: number;
  readonly servers: GatewayServer[];
  readonly use: PortUse;
}

export type PortUse = 'plaintext HTTP' | 'TLS' | 'TCP';

/** Only groups that have a server to execute, ordered by port and address. */
export function groupServers(context: LowerContext): ServerGroup[] {
  const groups = new Map<string, ServerGroup>();
  for (const gateway of context.mesh.gateways) {
    if (!selects(gateway.spec.selector, context.node.labels)) continue;
    for (const [index, server] of gateway.spec.servers.entries()) {
      const entry: GatewayServer = { gateway, server, path: `spec.servers[${index}]` };
      const address = server.bind ?? context.node.bind;
      if (address.startsWith('unix://')) {
        const message = 'Unix sockets are not listened on; the server is skipped';
        warn(context, entry, 'bind', 'not-executed', message, 'Bind an IP address.');
        continue;
      }
      for (const targetPort of targetPorts(context, server.port.number)) {
        const port = context.node.listenMap.get(server.port.number) ?? targetPort;
        const use = portUse(server);
        const key = `${address} ${port}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, { address, port, targetPort, servers: [entry], use });
        else if (group.use === use && use !== 'TCP') addServer(context, group, entry);
        else {
          const message = `port ${port} already carries ${group.use} for an older server; this server is skipped`;
          warn(context, entry, 'port', 'gateway-port-conflict', message, 'Use another port for one of them.');
        }
      }
    }
  }
  return [...groups.values()]
    .map((group) => ({ ...group, servers: group.servers.filter(({ server }) => isExecuted(server)) }))
    .filter((group) => group.servers.length > 0)
    .sort((left, right) => left.port - right.port || compareText(left.address, right.address));
}

/** On a TLS port a name belongs to one server; one that repeats a name is skipped whole. */
function addServer(context: LowerContext, group: ServerGroup, entry: GatewayServer): void {
  const taken = new Set(group.use === 'TLS' ? group.servers.flatMap(({ server }) => serverNames(server)) : []);
  const repeated = serverNames(entry.server).find((name) => taken.has(name));
  if (repeated === undefined) {
    group.servers.push(entry);
    return;
  }
  const message = `an older TLS server on port ${group.port} has the host ${repeated} already; this server is skipped`;
  warn(context, entry, 'hosts', 'gateway-port-conflict', message, 'Give each TLS server hosts of its own.');
}

/** A server's hosts without their namespaces, in lower case. */
export function serverNames(server: ServerSpec): string[] {
  return server.hosts.map((host) => host.slice(host.indexOf('/') + 1).toLowerCase());
}

/** True for the modes in which Weft terminates TLS. */
export function terminatesTls(tls: ServerTlsSpec | undefined): boolean {
  return tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL' || tls?.mode === 'OPTIONAL_MUTUAL';
}

/** True where the client's TLS is passed on unread. */
export function passesTlsOn(tls: ServerTlsSpec | undefined): boolean {
  return (tls?.mode ?? 'PASSTHROUGH') === 'PASSTHROUGH';
}

function isExecuted(server: ServerSpec): boolean {
  return portUse(server) !== 'TLS' || terminatesTls(server.tls) || passesTlsOn(server.tls);
}

function warn(
  context: LowerContext,
  entry: GatewayServer,
  field: string,
  code: LowerCode,
  message: string,
  hint: string,
): void {
  context.findings.add(code, entry.gateway, `${entry.path}.${field}`, message, hint);
}

function portUse(server: ServerSpec): PortUse {
  const protocol = protocolOfDeclaration(server.port.protocol);
  if (isHttp(protocol)) return 'plaintext HTTP';
  return protocol === 'HTTPS' || protocol === 'TLS' ? 'TLS' : 'TCP';
}

/** A server's port is that of the gateway's Service; the proxy listens on what the Service sends it to. */
function targetPorts(context: LowerContext, number: number): readonly number[] {
  const { mesh, node } = context;
  const found = new Set<number>();
  for (const services of mesh.services.values()) {
    for (const service of services) {
      if (service.namespace !== node.namespace || Object.keys(service.selector).length === 0) continue;
      if (!selects(service.selector, node.labels)) continue;
      const port = service.ports.find((candidate) => candidate.number === number);
      const target = port === undefined ? undefined : targetNumber(port);
      if (target !== undefined) found.add(target);
    }
  }
  return found.size === 0 ? [number] : [...found].sort((left, right) => left - right);
}

/** A named target port has a number only at the endpoints. */
function targetNumber(port: MeshPort): number | undefined {
  return typeof port.targetPort === 'number' ? port.targetPort : port.endpoints[0]?.port;
}
