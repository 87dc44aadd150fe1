// SPDX-License-Identifier: Apache-2.0
/** One check of one endpoint: a TCP connection, an HTTP request, or a call of grpc.health.v1. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type { Endpoint, HealthCheck } from '../model/model.js';

/** gRPC's message frame: one byte for compression, four for the length. */
const FRAME_HEAD_BYTES = 5;
/** HealthCheckResponse of SERVING: field 1, a varint, of value 1. */
const SERVING = '0801';

/** Resolves when the endpoint is healthy; rejects with the reason when it is not, or says nothing in time. */
export function runHealthCheck(endpoint: Endpoint, check: HealthCheck): Promise<void> {
  const host = check.host === '' ? endpoint.address : check.host;
  switch (check.kind) {
    case 'tcp':
      return connect(host, check);
    case 'http':
      return request(host, check);
    case 'grpc':
      return callGrpc(host, check);
  }
}

function connect(host: string, { port, timeoutMs }: HealthCheck): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    const end = (error?: Error): void => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.setTimeout(timeoutMs, () => end(new Error('timeout')));
    socket.once('connect', () => end());
    socket.once('error', end);
  });
}

function request(host: string, check: Extract<HealthCheck, { kind: 'http' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = check.scheme === 'https' ? https : http;
    const sent = client.get(
      {
        host,
        port: check.port,
        path: check.path,
        headers: check.headers,
        agent: false,
        // As Kubernetes: a probe asks whether the workload serves, not who it is.
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(check.timeoutMs),
      },
      (response) => {
        const { statusCode = 0 } = response;
        response.destroy();
        if (statusCode >= 200 && statusCode < 400) resolve();
        else reject(new Error(`status ${statusCode}`));
      },
    );
    sent.once('error', (error) => reject(error.name === 'AbortError' ? new Error('timeout') : error));
  });
}

function callGrpc(host: string, check: Extract<HealthCheck, { kind: 'grpc' }>): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://${net.isIPv6(host) ? `[${host}]` : host}:${check.port}`);
    const end = (error?: Error): void => {
      session.destroy();
      if (error) reject(error);
      else resolve();
    };
    session.once('error', end);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '';
    stream.setTimeout(check.timeoutMs, () => end(new Error('timeout')));
    stream.once('error', end);
    const takeStatus = (headers: http2.IncomingHttpHeaders): void => {
      const value = headers['grpc-status'];
      if (typeof value === 'string') status = value;
    };
    stream.once('response', takeStatus);
    stream.once('trailers', takeStatus);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => {
      const message = Buffer.concat(chunks).subarray(FRAME_HEAD_BYTES).toString('hex');
      if (status !== '0') end(new Error(`grpc-status ${status === '' ? 'missing' : status}`));
      else end(message === SERVING ? undefined : new Error('not serving'));
    });
    stream.end(healthRequest(check.service));
  });
}

/** HealthCheckRequest in its frame: field 1 is the service, a string. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
