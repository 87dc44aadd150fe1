// SPDX-License-Identifier: Apache-2.0
/**
 * A port as Kubernetes or Istio declares it -> the protocol that routing treats it as (Istio "Protocol selection"): first
 * `appProtocol`, then the port name up to its first dash, then a few well-known numbers. `AUTO` means that the first bytes
 * would have to be looked at.
 */

export type PortProtocol =
  'HTTP' | 'HTTP2' | 'GRPC' | 'GRPC-WEB' | 'HTTPS' | 'TLS' | 'TCP' | 'MONGO' | 'REDIS' | 'MYSQL' | 'UDP' | 'AUTO';

const DECLARED: Readonly<Record<string, PortProtocol>> = {
  http: 'HTTP',
  http2: 'HTTP2',
  https: 'HTTPS',
  grpc: 'GRPC',
  'grpc-web': 'GRPC-WEB',
  tls: 'TLS',
  tcp: 'TCP',
  mongo: 'MONGO',
  redis: 'REDIS',
  mysql: 'MYSQL',
  udp: 'UDP',
};

/** Values of `appProtocol` that Kubernetes standardizes (KEP-3726). */
const KUBERNETES_APP_PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
};

/** SMTP, DNS, MySQL and MongoDB: servers that speak first, or are never HTTP. */
const WELL_KNOWN_TCP: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

export function protocolOfServicePort(port: {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
}): PortProtocol {
  const transport = (port.protocol ?? 'TCP').toUpperCase();
  if (transport === 'UDP' || transport === 'SCTP') return 'UDP';
  if (port.appProtocol !== undefined) {
    const value = port.appProtocol.toLowerCase();
    return KUBERNETES_APP_PROTOCOLS[value] ?? DECLARED[value] ?? 'AUTO';
  }
  const name = (port.name ?? '').toLowerCase();
  const word = name === 'grpc-web' || name.startsWith('grpc-web-') ? 'grpc-web' : (name.split('-')[0] ?? '');
  const byName = DECLARED[word];
  if (byName !== undefined) return byName;
  return name === '' && WELL_KNOWN_TCP.has(port.port) ? 'TCP' : 'AUTO';
}

/** For ports that state a protocol: ServiceEntry and Gateway. Empty or unknown means `AUTO`. */
export function protocolOfDeclaration(protocol: string | undefined): PortProtocol {
  return DECLARED[(protocol ?? '').toLowerCase()] ?? 'AUTO';
}

/** True for what Istio terminates as plaintext HTTP. */
export function isHttp(protocol: PortProtocol): boolean {
  return protocol === 'HTTP' || protocol === 'HTTP2' || protocol === 'GRPC' || protocol === 'GRPC-WEB';
}
