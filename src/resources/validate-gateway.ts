// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `Gateway` that a table cannot say. */
import { fieldsSet, show } from './findings.js';
import type { Draft, Place } from './findings.js';
import { isDnsLabel, isUnixAddress } from './scalars.js';
import type { GatewaySpec } from './types.js';
import { checkServerHost } from './validate-names.js';

const HTTP_PROTOCOLS: readonly string[] = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'];
const TLS_PROTOCOLS: readonly string[] = ['HTTPS', 'TLS'];
const TCP_PROTOCOLS: readonly string[] = ['TCP', 'MONGO', 'REDIS', 'MYSQL'];

/** True for the protocols whose servers route plaintext HTTP. Expects upper case. */
export function isHttpProtocol(protocol: string): boolean {
  return HTTP_PROTOCOLS.includes(protocol);
}

export function checkGateway(spec: Draft<GatewaySpec>, place: Place): void {
  const { name } = place.resource;
  if (!isDnsLabel(name)) {
    const hint = 'VirtualServices refer to it as namespace/name: use letters, digits and "-".';
    place.report('invalid-name', `name of a Gateway must be a DNS label (${name})`, hint);
  }
  const names = new Set<string>();
  for (const [index, server] of (spec.servers ?? []).entries()) {
    const portName = server?.port?.name;
    if (portName === undefined) continue;
    if (names.has(portName)) {
      const at = place.at('servers', index, 'port', 'name');
      at.report(
        'duplicate-name',
        `port name is used twice in the Gateway (${portName})`,
        'Name every port differently.',
      );
    }
    names.add(portName);
  }
}

interface PortDraft {
  readonly number?: number;
  readonly name?: string;
  readonly protocol?: string;
}

/** Protocol names ignore case in Istio; later stages see upper case. */
export function normalizePort(port: PortDraft): PortDraft {
  return port.protocol === undefined ? port : { ...port, protocol: port.protocol.toUpperCase() };
}

export function checkServerPort(port: PortDraft, place: Place): void {
  if (Object.hasOwn(port, 'targetPort')) {
    const hint = "The target port of the gateway's Service counts; remove the field.";
    place.at('targetPort').reportKey('target-port-on-gateway', 'targetPort has no effect on a Gateway', hint);
  }
  if (port.protocol?.toUpperCase() === 'HTTPS') return;
  checkProtocol(port.protocol, [...HTTP_PROTOCOLS, ...TLS_PROTOCOLS, ...TCP_PROTOCOLS], place.at('protocol'));
}

/** Reports a protocol that Istio does not know. Case is ignored. */
export function checkProtocol(protocol: string | undefined, allowed: readonly string[], place: Place): void {
  if (protocol === undefined || protocol === '') return;
  const upper = protocol.toUpperCase();
  if (!allowed.includes(upper)) {
    place.report('unsupported-protocol', `unsupported protocol (${show(protocol)})`, `Allowed: ${allowed.join(', ')}.`);
  }
}

interface ServerTls {
  readonly mode?: string;
  readonly httpsRedirect?: boolean;
  readonly minProtocolVersion?: string;
  readonly maxProtocolVersion?: string;
}

interface ServerDraft {
  readonly port?: PortDraft;
  readonly bind?: string;
  readonly hosts?: readonly (string | undefined)[];
  readonly tls?: ServerTls;
}

export function checkServer(server: ServerDraft, place: Place): void {
  for (const [index, host] of (server.hosts ?? []).entries()) checkServerHost(host, place.at('hosts', index));
  const isUnix = server.bind !== undefined && isUnixAddress(server.bind);
  if (server.port?.number === 0 && !isUnix) {
    place.at('port', 'number').report('out-of-range', 'must be in 1..65535 (0)', 'Only a Unix socket has no port.');
  } else if (isUnix && (server.port?.number ?? 0) !== 0) {
    place.at('port', 'number').report('out-of-range', `must be 0 for a Unix socket (${server.port?.number})`);
  }
  const protocol = server.port?.protocol ?? '';
  if (isHttpProtocol(protocol)) checkPlaintextTls(server, place.at('tls'));
  else if (TLS_PROTOCOLS.includes(protocol)) checkTerminatingTls(server, place.at('tls'));
  else if (TCP_PROTOCOLS.includes(protocol) && Object.hasOwn(server, 'tls')) {
    place.at('tls').reportKey('tls-on-plaintext', `a server for ${protocol} cannot have tls`, 'Use the protocol TLS.');
  }
}

const CERTIFICATE_SOURCES = ['credentialName', 'credentialNames', 'serverCertificate', 'tlsCertificates'];

const CERTIFICATE_FIELDS = [...CERTIFICATE_SOURCES, 'privateKey', 'caCertificates', 'caCertCredentialName'];

function checkPlaintextTls({ tls }: ServerDraft, place: Place): void {
  if (tls === undefined) return;
  const wrong = fieldsSet(tls, CERTIFICATE_FIELDS);
  if (tls.mode !== undefined && tls.mode !== 'PASSTHROUGH') wrong.push('mode');
  for (const name of wrong) {
    const hint = 'Only httpsRedirect may be used; for TLS use the protocol HTTPS.';
    place.at(name).reportKey('tls-on-plaintext', `a server for plaintext HTTP cannot have tls.${name}`, hint);
  }
}

function checkTerminatingTls(server: ServerDraft, place: Place): void {
  const { tls } = server;
  if (tls === undefined) {
    if (Object.hasOwn(server, 'tls')) return;
    const text = `tls is required for ${server.port?.protocol ?? 'TLS'}`;
    place.report('missing-field', text, 'Set tls.mode, and a certificate where TLS is terminated.');
    return;
  }
  if (tls.httpsRedirect === true) {
    place.at('httpsRedirect').report('ignored-field', 'httpsRedirect has no effect on a server for TLS', 'Remove it.');
  }
  const sources = fieldsSet(tls, CERTIFICATE_SOURCES);
  const mode = Object.hasOwn(tls, 'mode') ? tls.mode : 'PASSTHROUGH';
  if (mode === 'SIMPLE' || mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL')
    checkCertificates(tls, mode, sources, place);
  if (mode === 'ISTIO_MUTUAL') {
    for (const name of fieldsSet(tls, CERTIFICATE_FIELDS)) {
      const text = `${name} cannot be set in mode ISTIO_MUTUAL`;
      place.at(name).reportKey('conflicting-certificates', text, 'The mesh issues the certificates.');
    }
  }
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') {
    for (const name of fieldsSet(tls, CERTIFICATE_FIELDS)) {
      const text = `${name} has no effect in mode ${mode}`;
      place.at(name).reportKey('ignored-field', text, 'Set mode SIMPLE to terminate TLS.');
    }
  }
  checkVersions(tls, place);
}

function checkCertificates(tls: ServerTls, mode: string, sources: readonly string[], place: Place): void {
  if (sources.length > 1) {
    const text = `only one source of certificates may be set (${sources.join(', ')})`;
    place.report('conflicting-certificates', text, 'Keep one of them.');
  }
  const isNamed = sources.some((name) => name !== 'serverCertificate');
  const needed =
    mode === 'SIMPLE' ? ['serverCertificate', 'privateKey'] : ['serverCertificate', 'privateKey', 'caCertificates'];
  for (const name of isNamed ? [] : needed) {
    if (Object.hasOwn(tls, name)) continue;
    if (name === 'caCertificates' && Object.hasOwn(tls, 'caCertCredentialName')) continue;
    place.at(name).report('missing-field', `${name} is required in mode ${mode}`, 'Or name a credentialName.');
  }
  if (mode === 'SIMPLE' && Object.hasOwn(tls, 'caCrl')) {
    place.at('caCrl').reportKey('conflicting-certificates', 'caCrl cannot be set in mode SIMPLE', 'Use mode MUTUAL.');
  }
}

function checkVersions(tls: ServerTls, place: Place): void {
  const order = ['TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'];
  const lowest = order.indexOf(tls.minProtocolVersion ?? '');
  const highest = order.indexOf(tls.maxProtocolVersion ?? '');
  if (lowest >= 0 && highest >= 0 && lowest > highest) {
    place.at('minProtocolVersion').report('tls-versions', 'minProtocolVersion is above maxProtocolVersion');
  }
  const suites = fieldsSet(tls, ['cipherSuites']);
  if (lowest >= 0 && lowest < 2 && suites.length === 0) {
    const text = 'versions below 1.2 need cipherSuites that allow them';
    place.at('minProtocolVersion').report('tls-old-version', text, 'Use TLSV1_2 or later.');
  }
}
