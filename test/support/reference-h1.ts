// SPDX-License-Identifier: Apache-2.0
/**
 * Text -> what an HTTP/1.1 request head says, or undefined when it must be refused. Written from the grammar of RFC 9112 and
 * RFC 9110 with regular expressions, slowly and plainly, to be compared with the engine. It knows no incomplete heads and no
 * limits of size.
 */
export interface ReferenceRequest {
  /** Bytes of the head. */
  readonly length: number;
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly authority: string;
  readonly host: string;
  readonly version: 10 | 11;
  readonly body: 'none' | 'length' | 'chunked';
  readonly contentLength: number;
  readonly fields: readonly (readonly [string, string])[];
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!"$-~]+) HTTP\/1\.([01])$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const AUTHORITY = /^([0-9A-Za-z\-._~!$&'()*+;=]+|\[[0-9A-Fa-f.:]*\])(?::([0-9]*))?$/;

interface Authority {
  readonly host: string;
  readonly port: number | undefined;
}

function parseAuthority(text: string): Authority | undefined {
  const match = AUTHORITY.exec(text);
  if (!match) return undefined;
  const host = (match[1] ?? '').toLowerCase();
  const colons = host.split(':').length - 1;
  if (host.startsWith('[') && (colons < 2 || colons > 7)) return undefined;
  const port = match[2] ? Number(match[2]) : undefined;
  return port !== undefined && port > 65535 ? undefined : { host, port };
}

interface Target {
  readonly path: string;
  readonly query: string | undefined;
  readonly authority?: string;
  readonly defaultPort?: number;
}

function parseTarget(method: string, target: string): Target | undefined {
  const question = target.indexOf('?');
  const before = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? undefined : target.slice(question + 1);
  if (method === 'CONNECT') return { path: '/', query, authority: target };
  if (target.startsWith('/')) return { path: before, query };
  if (target === '*') return method === 'OPTIONS' ? { path: '*', query } : undefined;
  const absolute = /^(https?):\/\/([^/]+)(\/.*)?$/i.exec(before);
  if (!absolute) return undefined;
  const defaultPort = absolute[1]?.toLowerCase() === 'http' ? 80 : 443;
  const empty = method === 'OPTIONS' && query === undefined ? '*' : '/';
  return { path: absolute[3] ?? empty, query, authority: absolute[2] ?? '', defaultPort };
}

function settleAuthority(target: Target, hosts: readonly string[], version: number): string | undefined {
  const host = hosts[0] ?? '';
  if (hosts.length > 1 || (version === 11 && host === '')) return undefined;
  const wanted = host === '' ? undefined : parseAuthority(host);
  if (host !== '' && !wanted) return undefined;
  if (target.authority === undefined) return host;
  const named = parseAuthority(target.authority);
  if (!named || (target.defaultPort === undefined && !named.port)) return undefined;
  const defaultPort = target.defaultPort ?? named.port;
  const same = !wanted || (wanted.host === named.host && (wanted.port ?? defaultPort) === (named.port ?? defaultPort));
  return same ? target.authority : undefined;
}

export function referenceRequest(text: string): ReferenceRequest | undefined {
  const start = text.startsWith('\r\n') ? 2 : 0;
  const end = text.indexOf('\r\n\r\n', start);
  if (end < 0) return undefined;
  const lines = text.slice(start, end).split('\r\n');
  const request = REQUEST_LINE.exec(lines[0] ?? '');
  if (!request) return undefined;
  const [, method = '', rawTarget = '', minor] = request;
  const version = minor === '1' ? 11 : 10;
  const target = parseTarget(method, rawTarget);
  if (!target) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (const line of lines.slice(1)) {
    const field = FIELD_LINE.exec(line);
    if (!field) return undefined;
    fields.push([(field[1] ?? '').toLowerCase(), field[2] ?? '']);
  }
  const values = (name: string): string[] => fields.flatMap(([field, value]) => (field === name ? [value] : []));
  const authority = settleAuthority(target, values('host'), version);
  if (authority === undefined) return undefined;
  const lengths = values('content-length');
  const codings = values('transfer-encoding');
  if (lengths.length + codings.length > 1) return undefined;
  if (lengths.some((value) => !/^[0-9]+$/.test(value) || Number(value) > Number.MAX_SAFE_INTEGER)) return undefined;
  if (codings.some((value) => value.toLowerCase() !== 'chunked' || version === 10)) return undefined;
  if (method === 'CONNECT' && lengths.length + codings.length > 0) return undefined;
  return {
    length: end + 4,
    method,
    path: target.path,
    query: target.query,
    authority,
    host: authority === '' ? '' : (parseAuthority(authority)?.host ?? ''),
    version,
    body: lengths.length > 0 ? 'length' : codings.length > 0 ? 'chunked' : 'none',
    contentLength: Number(lengths[0] ?? 0),
    fields,
  };
}
