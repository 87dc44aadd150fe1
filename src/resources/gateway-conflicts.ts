// SPDX-License-Identifier: Apache-2.0
/**
 * All Gateways -> warnings for servers that cannot share a port. Servers on one proxy are merged by bind address and port,
 * oldest Gateway first, and one that does not fit is skipped. Which Pods a selector finds is not known here, so Gateways
 * count as being on one proxy when their selectors are equal or one of them is empty.
 */
import type { Problem } from './problem.js';
import { compareAge, resourceProblem } from './resource-problem.js';
import type { Gateway, KnownResource, ServerSpec } from './types.js';
import { isHttpProtocol } from './validate-gateway.js';

interface Taken {
  readonly gateway: Gateway;
  readonly server: ServerSpec;
}

type Family = 'HTTP' | 'TLS' | 'TCP';

export function checkGatewayPorts(resources: readonly KnownResource[]): Problem[] {
  const gateways = resources.filter((resource) => resource.kind === 'Gateway').sort(compareAge);
  const taken = new Map<string, Taken[]>();
  const problems: Problem[] = [];
  for (const gateway of gateways) {
    for (const [index, server] of gateway.spec.servers.entries()) {
      const key = `${server.bind ?? ''}|${server.port.number}`;
      const others = (taken.get(key) ?? []).filter((other) => sharesProxy(other.gateway, gateway));
      const conflict = others.map((other) => conflictOf(other, server)).find((text) => text !== undefined);
      if (conflict === undefined) {
        taken.set(key, [...(taken.get(key) ?? []), { gateway, server }]);
      } else {
        const hint = 'The server is skipped: use another port, or hosts of its own.';
        problems.push(resourceProblem(gateway, 'gateway-port-conflict', ['spec', 'servers', index], conflict, hint));
      }
    }
  }
  return problems;
}

function sharesProxy(first: Gateway, second: Gateway): boolean {
  const left = Object.entries(first.spec.selector ?? {});
  const right = second.spec.selector ?? {};
  if (left.length === 0 || Object.keys(right).length === 0) return true;
  return left.length === Object.keys(right).length && left.every(([key, value]) => right[key] === value);
}

function familyOf(server: ServerSpec): Family {
  const protocol = server.port.protocol ?? '';
  if (isHttpProtocol(protocol)) return 'HTTP';
  return protocol === 'HTTPS' || protocol === 'TLS' ? 'TLS' : 'TCP';
}

function conflictOf({ gateway, server }: Taken, later: ServerSpec): string | undefined {
  const name = `${gateway.namespace}/${gateway.name}`;
  const protocol = server.port.protocol ?? '';
  const family = familyOf(server);
  if (family !== familyOf(later) || family === 'TCP') {
    return `port ${later.port.number} is already used with protocol ${protocol} by ${name}`;
  }
  if (family === 'HTTP') return undefined;
  const hosts = new Set(server.hosts.map(serverName));
  const repeated = later.hosts.find((host) => hosts.has(serverName(host)));
  return repeated === undefined
    ? undefined
    : `TLS host is already served on port ${later.port.number} by ${name} (${repeated})`;
}

function serverName(entry: string): string {
  return entry.slice(entry.indexOf('/') + 1).toLowerCase();
}
