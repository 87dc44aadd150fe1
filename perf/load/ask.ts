// SPDX-License-Identifier: Apache-2.0
/** One request on a connection of its own, with all of its answer, for checks and for "is it there yet". */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect, constants } from 'node:http2';

export interface Answer {
  readonly status: number;
  /** By lower-case name; repeated ones joined. Without HTTP/2's pseudo-header fields. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How it is asked; default: HTTP/1.1 in cleartext. */
export interface Manner {
  readonly isHttp2?: boolean;
  /** Any certificate will do. */
  readonly isSecure?: boolean;
}

const TIMEOUT_MS = 10_000;

/** Rejects when the connection fails or nothing comes in 10 s. */
export function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  manner: Manner = {},
): Promise<Answer> {
  const all = { host: 'perf.example', ...headers };
  return manner.isHttp2 === true ? askHttp2(port, path, all) : askHttp1(port, path, all, manner.isSecure === true);
}

function askHttp1(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
  isSecure: boolean,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent: false, headers } as const;
    const outgoing = isSecure ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: textOf(response.headers), body }));
    });
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function askHttp2(port: number, path: string, { host, ...headers }: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', reject);
    const stream = session.request({ ':path': path, ':authority': host, ...headers });
    let status = 0;
    let received = {};
    let body = '';
    stream.on('response', ({ [constants.HTTP2_HEADER_STATUS]: code, ...rest }) => {
      status = Number(code);
      received = textOf(rest);
    });
    stream.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    stream.on('error', reject);
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    stream.on('close', () => {
      session.close();
      resolve({ status, headers: received, body });
    });
    stream.end();
  });
}

function textOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
