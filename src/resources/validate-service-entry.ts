// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `ServiceEntry` that a table cannot say: resolution against hosts, addresses and endpoints. */
import { show } from './findings.js';
import type { Draft, Place } from './findings.js';
import { isIpAddress, isUnixAddress } from './scalars.js';
import type { PortSpec, ServiceEntrySpec } from './types.js';
import { checkProtocol, isHttpProtocol } from './validate-gateway.js';
import { checkExportTo } from './validate-names.js';
import { checkSelector } from './validate-selector.js';

type SpecDraft = Draft<ServiceEntrySpec>;

const PROTOCOLS = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS', 'TLS', 'TCP', 'MONGO', 'REDIS', 'MYSQL', 'HTTP_PROXY'];

const SERVER_NAME_PROTOCOLS = ['HTTPS', 'TLS'];

export function checkServiceEntryPort(port: Draft<PortSpec>, place: Place): void {
  checkProtocol(port.protocol, PROTOCOLS, place.at('protocol'));
}

export function checkServiceEntry(spec: SpecDraft, place: Place): void {
  checkHosts(spec, place);
  checkPorts(spec, place);
  checkAddresses(spec, place);
  checkEndpoints(spec, place);
  checkResolution(spec, place);
  checkExportTo(spec.exportTo, place.at('exportTo'), 'nobody-allowed');
  if (!Object.hasOwn(spec, 'workloadSelector')) return;
  checkSelector(spec.workloadSelector?.labels, place.at('workloadSelector'));
  if (Object.hasOwn(spec, 'endpoints')) {
    const text = 'workloadSelector and endpoints are both set';
    place.at('workloadSelector').reportKey('oneof-conflict', text, 'Keep only one of them.');
  }
  if (spec.resolution === 'NONE') {
    const text = 'workloadSelector has no effect with resolution NONE';
    place.at('workloadSelector').reportKey('ignored-field', text, 'Use resolution STATIC.');
  }
}

function checkHosts(spec: SpecDraft, place: Place): void {
  for (const [index, host] of (spec.hosts ?? []).entries()) {
    if (host === undefined || spec.resolution === 'DYNAMIC_DNS') continue;
    if (!host.startsWith('*') || host.startsWith('*.')) continue;
    const hint = 'Put the "*" in front of a dot.';
    place.at('hosts', index).report('partial-wildcard', `wildcard stands for a part of a label (${host})`, hint);
  }
}

function checkPorts(spec: SpecDraft, place: Place): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, port] of (spec.ports ?? []).entries()) {
    if (port === undefined) continue;
    const at = place.at('ports', index);
    const { name, number } = port;
    if (name !== undefined && names.has(name))
      at.at('name').report('duplicate-name', `port name is used twice (${name})`);
    if (number !== undefined && numbers.has(number)) {
      at.at('number').report('duplicate-port', `port is defined twice (${number})`, 'Keep one of them.');
    }
    if (name !== undefined) names.add(name);
    if (number !== undefined) numbers.add(number);
    const protocol = port.protocol ?? '';
    // An undeclared protocol is detected per connection and may turn out to be HTTP.
    const isOpaque = protocol !== '' && !isHttpProtocol(protocol) && !SERVER_NAME_PROTOCOLS.includes(protocol);
    if (isOpaque && (spec.hosts?.length ?? 0) > 1 && spec.resolution !== 'NONE') {
      const text = `several hosts cannot share a port for ${protocol}, which names no host`;
      at.report('hosts-share-tcp-port', text, 'Write a ServiceEntry for each host.');
    }
  }
}

function checkAddresses(spec: SpecDraft, place: Place): void {
  if (spec.resolution === 'NONE' || spec.resolution === 'STATIC' || spec.resolution === undefined) return;
  for (const [index, address] of (spec.addresses ?? []).entries()) {
    if (address === undefined || !address.includes('/')) continue;
    const text = `a CIDR block is only possible with resolution NONE or STATIC (${address})`;
    place.at('addresses', index).report('address-with-resolution', text, 'Write single addresses.');
  }
}

function checkEndpoints(spec: SpecDraft, place: Place): void {
  const portNames = new Set((spec.ports ?? []).map((port) => port?.name));
  const isPortListWhole = (spec.ports ?? []).every((port) => port?.name !== undefined);
  for (const [index, endpoint] of (spec.endpoints ?? []).entries()) {
    if (endpoint === undefined) continue;
    const at = place.at('endpoints', index);
    for (const name of Object.keys(endpoint.ports ?? {})) {
      if (portNames.has(name) || !isPortListWhole) continue;
      const hint = `Ports of the ServiceEntry: ${[...portNames].join(', ')}.`;
      at.at('ports', name).reportKey(
        'unknown-port-name',
        `is not the name of a port of the ServiceEntry (${name})`,
        hint,
      );
    }
    if (spec.resolution !== 'STATIC' || endpoint.address === undefined) continue;
    if (isUnixAddress(endpoint.address)) {
      if ((spec.ports?.length ?? 0) > 1) {
        const text = 'an endpoint at a Unix socket serves one port only';
        at.at('address').report('ports-with-unix', text, 'Keep one port.');
      }
    } else if (!isIpAddress(endpoint.address)) {
      const text = `must be an IP address with resolution STATIC (${show(endpoint.address)})`;
      at.at('address').report('address-with-resolution', text, 'Use resolution DNS for domain names.');
    }
  }
}

function checkResolution(spec: SpecDraft, place: Place): void {
  const endpoints = spec.endpoints?.length ?? 0;
  const { resolution } = spec;
  const at = place.at('resolution');
  if ((resolution === 'NONE' || resolution === 'DYNAMIC_DNS') && endpoints > 0) {
    place
      .at('endpoints')
      .reportKey(
        'endpoints-with-resolution',
        `endpoints must be empty with resolution ${resolution}`,
        'Use STATIC or DNS.',
      );
  }
  if (resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN') {
    const wildcard = (spec.hosts ?? []).find((host) => host?.startsWith('*'));
    if (wildcard !== undefined && endpoints === 0 && !Object.hasOwn(spec, 'workloadSelector')) {
      const text = `hosts must be plain names with resolution ${resolution} and no endpoints (${wildcard})`;
      at.report('wildcard-with-dns', text, 'Give endpoints, or name the hosts.');
    }
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints > 1) {
    const text = `at most one endpoint with resolution DNS_ROUND_ROBIN (${endpoints})`;
    place.at('endpoints').reportKey('endpoints-with-resolution', text, 'Use resolution DNS for several.');
  }
  if (resolution === 'DYNAMIC_DNS') checkDynamicDns(spec, place);
}

function checkDynamicDns(spec: SpecDraft, place: Place): void {
  for (const [index, host] of (spec.hosts ?? []).entries()) {
    if (host === undefined || host.startsWith('*')) continue;
    const text = `only wildcard hosts are possible with resolution DYNAMIC_DNS (${host})`;
    place.at('hosts', index).report('wildcard-with-dns', text, 'Use resolution DNS.');
  }
  if ((spec.addresses?.length ?? 0) > 0) {
    place.at('addresses').reportKey('address-with-resolution', 'no addresses are possible with resolution DYNAMIC_DNS');
  }
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const protocol = port?.protocol;
    if (protocol === undefined || ['HTTP', 'HTTP2', 'GRPC', 'TLS'].includes(protocol)) continue;
    const text = `protocol is not possible with resolution DYNAMIC_DNS (${show(protocol)})`;
    place.at('ports', index, 'protocol').report('unsupported-protocol', text, 'Allowed: HTTP, HTTP2, GRPC, TLS.');
  }
}
