// SPDX-License-Identifier: Apache-2.0
/** Istio's probe -> a health check, with the defaults of Istio's agent. */
import type { HealthCheck } from '../model/model.js';
import type { ProbeSpec } from '../resources/types.js';

/** Undefined for a command, which has to run where the workload is. */
export function lowerProbe(probe: ProbeSpec | undefined): HealthCheck | undefined {
  if (probe === undefined) return undefined;
  const timing = {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    timeoutMs: (probe.timeoutSeconds || 1) * 1000,
    intervalMs: (probe.periodSeconds || 10) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 1,
  };
  const { httpGet, tcpSocket, grpc } = probe;
  if (httpGet !== undefined) {
    const { path = '', port, host = '', scheme, httpHeaders = [] } = httpGet;
    return {
      kind: 'http',
      ...timing,
      port,
      host,
      scheme: scheme === 'HTTPS' ? 'https' : 'http',
      path: path.startsWith('/') ? path : `/${path}`,
      headers: Object.fromEntries(httpHeaders.map(({ name, value = '' }) => [name, value])),
    };
  }
  if (tcpSocket !== undefined) return { kind: 'tcp', ...timing, port: tcpSocket.port, host: tcpSocket.host ?? '' };
  if (grpc === undefined) return undefined;
  return { kind: 'grpc', ...timing, port: grpc.port, host: '', service: grpc.service ?? '' };
}
