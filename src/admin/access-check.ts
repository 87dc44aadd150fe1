// SPDX-License-Identifier: Apache-2.0
/**
 * Who may talk to the admin server: headers -> undefined, or why not.
 *
 * It usually listens on localhost without a password, so the danger is a web page in the browser of whoever sits there. A
 * page can have its own name resolve to 127.0.0.1 (DNS rebinding): so a Host that is a name is refused. It can post a form
 * to 127.0.0.1 unseen: so a POST whose Origin is another site is refused. Programs such as curl send no Origin.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

export function refuseAccess(method: string, headers: IncomingHttpHeaders): string | undefined {
  const host = headers.host ?? '';
  if (!isLiteralHost(host)) {
    return `the Host header is ${JSON.stringify(host)}: admin answers only to localhost or an IP address, so that no web page can reach it under a name of its own`;
  }
  const { origin } = headers;
  if (method !== 'GET' && method !== 'HEAD' && origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return `the request comes from another site (Origin ${JSON.stringify(origin)})`;
  }
  return undefined;
}

/** `localhost`, `127.0.0.1`, `[::1]`, each with or without a port. */
function isLiteralHost(host: string): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host)?.[1]?.toLowerCase() ?? '';
  if (name === 'localhost') return true;
  return name.startsWith('[') ? isIP(name.slice(1, -1)) === 6 : isIP(name) === 4;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
