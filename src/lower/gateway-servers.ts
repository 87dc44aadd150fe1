// SPDX-License-Identifier: Apache-2.0
/**
 * The Gateways that select a proxy -> groups of servers that share an address and port, each of which becomes a listener.
 * The oldest server decides a port's protocol; later ones of another kind are skipped, as in Istio. Servers that do not
 * take plaintext HTTP still hold their port, but are not executed.
 */
import { compareText } from '../mesh/age-order.js';
import { selects } from '../mesh/mesh.js';
import type { MeshPort } from '../mesh/mesh.js';
import { isHttp, protocolOfDeclaration } from '../mesh/port-protocol.js';
import type { Gateway, ServerSpec } from '../resources/types.js';
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
}

type PortUse = 'plaintext HTTP' | 'TLS' | 'TCP';

/** Only groups of plaintext HTTP servers, ordered by port and address. */
export function groupServers(context: LowerContext): ServerGroup[] {
  const groups = new Map<string, ServerGroup & { readonly use: PortUse }>();
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
        else if (group.use === use && use !== 'TCP') group.servers.push(entry);
        else {
          const message = `port ${port} already carries ${group.use} for an older server; this server is skipped`;
          warn(context, entry, 'port', 'gateway-port-conflict', message, 'Use another port for one of them.');
        }
      }
    }
  }
  return [...groups.values()]
    .filter((group) => group.use === 'plaintext HTTP')
    .sort((left, right) => left.port - right.port || compareText(left.address, right.address));
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
