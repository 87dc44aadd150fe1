// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { formatJson, formatText } from './access-log.js';
import type { AccessLogEntry } from './access-log.js';

const forwarded: AccessLogEntry = {
  startTimeMs: Date.UTC(2026, 7, 22, 15, 0, 18, 123),
  method: 'GET',
  path: '/status/200?verbose=1',
  protocol: 'HTTP/1.1',
  responseCode: 200,
  responseFlags: '-',
  responseCodeDetails: 'via_upstream',
  bytesReceived: 0,
  bytesSent: 128,
  durationMs: 3.4,
  upstreamServiceTimeMs: 2,
  forwardedFor: '10.0.0.9',
  userAgent: 'curl/8.5',
  requestId: '7f-1',
  authority: 'probe:8000',
  upstreamHost: '10.244.0.14:8080',
  upstreamCluster: 'outbound|8000||probe.demo.svc.cluster.local',
  upstreamLocalAddress: '10.244.0.2:40001',
  downstreamLocalAddress: '10.244.0.2:8080',
  downstreamRemoteAddress: '10.244.0.12:52784',
  requestedServerName: 'probe.example',
  routeName: 'default',
};

const bare: AccessLogEntry = {
  startTimeMs: 0,
  responseCode: 0,
  responseFlags: 'DC',
  bytesReceived: 0,
  bytesSent: 0,
  durationMs: 0,
};

describe('text access log', () => {
  it("has the 22 items in Istio's order", () => {
    expect(formatText(forwarded)).toBe(
      '[2026-08-22T15:00:18.123Z] "GET /status/200?verbose=1 HTTP/1.1" 200 - via_upstream - "-" 0 128 3 2 "10.0.0.9" ' +
        '"curl/8.5" "7f-1" "probe:8000" "10.244.0.14:8080" outbound|8000||probe.demo.svc.cluster.local ' +
        '10.244.0.2:40001 10.244.0.2:8080 10.244.0.12:52784 probe.example default\n',
    );
  });

  it('prints a dash for what is absent', () => {
    expect(formatText(bare)).toBe(
      '[1970-01-01T00:00:00.000Z] "- - -" 0 DC - - "-" 0 0 0 - "-" "-" "-" "-" "-" - - - - - -\n',
    );
  });

  it('keeps a request from ending a line, a quote or a column', () => {
    const line = formatText({
      ...forwarded,
      userAgent: 'x"\n[2026-01-01T00:00:00.000Z] "GET /forged HTTP/1.1" 200',
      path: '/a b"c',
      routeName: 'two words',
      authority: 'esc\u001b[31m\u0085\u2028',
    });
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(line).toContain('"x\\"\\u000a[2026-01-01T00:00:00.000Z] \\"GET /forged HTTP/1.1\\" 200"');
    expect(line).toContain('"GET /a_b\\"c HTTP/1.1"');
    expect(line).toContain('"esc\\u001b[31m\\u0085\\u2028"');
    expect(line.endsWith(' two_words\n')).toBe(true);
  });
});

describe('JSON access log', () => {
  it("has Istio's keys, numbers as numbers", () => {
    const line = formatJson(forwarded);
    const record = JSON.parse(line) as Record<string, unknown>;
    expect(Object.keys(record).join(' ')).toBe(
      'start_time method path protocol response_code response_flags response_code_details ' +
        'connection_termination_details upstream_transport_failure_reason bytes_received bytes_sent duration ' +
        'upstream_service_time x_forwarded_for user_agent request_id authority upstream_host upstream_cluster ' +
        'upstream_local_address downstream_local_address downstream_remote_address requested_server_name route_name',
    );
    expect(record).toMatchObject({ response_code: 200, bytes_sent: 128, duration: 3, upstream_service_time: 2 });
    expect(line.endsWith('}\n')).toBe(true);
  });

  it('gives null for what is absent', () => {
    const record = JSON.parse(formatJson(bare)) as Record<string, unknown>;
    expect(record['path']).toBeNull();
    expect(record['upstream_service_time']).toBeNull();
    expect(record['response_flags']).toBe('DC');
  });

  it('round-trips hostile values on one line of printable characters', () => {
    const userAgent = 'a"b\\c\r\n\u0000\u007f\u0085\u2028';
    const line = formatJson({ ...forwarded, userAgent });
    expect(line.slice(0, -1)).not.toMatch(/\p{Cc}|\u2028/u);
    expect((JSON.parse(line) as Record<string, unknown>)['user_agent']).toBe(userAgent);
  });
});
