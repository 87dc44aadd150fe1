// SPDX-License-Identifier: Apache-2.0
/** The form of an admin endpoint, and the replies that endpoints give. */
import type { IncomingHttpHeaders } from 'node:http';
import type { AdminSource } from './admin-source.js';
import type { Reply } from './http-server.js';
import type { Query } from './query.js';

export interface AdminRequest {
  readonly source: AdminSource;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** The number in a path such as `/threads/0/crash`; NaN in paths without one. */
  readonly number: number;
}

export interface Endpoint {
  /** GET endpoints answer HEAD too. */
  readonly method: 'GET' | 'POST';
  /** `{number}` stands for a decimal number. */
  readonly path: string;
  readonly summary: string;
  /** Query parameters and what they do; undefined lets any through. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  answer(request: AdminRequest): Reply | Promise<Reply>;
}

export function textReply(body: string, status = 200): Reply {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export function jsonReply(value: unknown): Reply {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value, bytesAsBase64, 1) + '\n' };
}

/** As protobuf's JSON form writes bytes. */
function bytesAsBase64(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/** ISO 8601; undefined for 0, which stands for never. */
export function formatTime(timeMs: number): string | undefined {
  return timeMs === 0 ? undefined : new Date(timeMs).toISOString();
}
