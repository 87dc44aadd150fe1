// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> Traefik's command line and its dynamic configuration. One router for each route, with priorities that give rule
 * order: Traefik would else sort by the length of the rule. The file is JSON, which its YAML reader takes. The experimental
 * fastProxy is left off: it was no faster beyond the noise (112 against 121 us of CPU per request with 32 connections, 154
 * against 150 with 1,000).
 */
import type { Work } from './contract.js';
import { BREAKER_LIMIT, IDLE_CONNECTION_COUNT, listRoutes, listShares } from './work.js';
import type { RouteEntry } from './work.js';

/** Ports and files of one Traefik process. */
export interface TraefikSetting {
  readonly port: number;
  /** For metrics, and for the path that tells which configuration is live. */
  readonly internalPort: number;
  readonly dynamicFile: string;
  /** Absent: no access log. */
  readonly accessLogFile?: string;
}

/** The folder below plugins-local/src that the plugin must lie in. */
export const PLUGIN_MODULE = 'weft.example/requestid';

/** The path on the internal port that answers 200 once configuration `version` is live. */
export function pathOfVersion(version: number): string {
  return `/configuration/${version}`;
}

/** The arguments of `traefik`. */
export function buildTraefikArguments(setting: TraefikSetting): string[] {
  const { accessLogFile } = setting;
  return [
    `--entrypoints.front.address=127.0.0.1:${setting.port}`,
    // The default ends uploads that take longer than 60 s.
    '--entrypoints.front.transport.respondingtimeouts.readtimeout=0',
    // Idle clients are the suite's to close.
    '--entrypoints.front.transport.respondingtimeouts.idletimeout=0',
    `--entrypoints.internal.address=127.0.0.1:${setting.internalPort}`,
    `--providers.file.filename=${setting.dynamicFile}`,
    '--providers.file.watch=true',
    // The default waits 2 s between two configurations.
    '--providers.providersthrottleduration=0',
    // The default of 200 would close most of 1,000 clients' connections after each request.
    `--serverstransport.maxidleconnsperhost=${IDLE_CONNECTION_COUNT}`,
    '--metrics.prometheus=true',
    '--metrics.prometheus.entrypoint=internal',
    '--ping=true',
    '--ping.manualrouting=true',
    `--experimental.localplugins.requestid.modulename=${PLUGIN_MODULE}`,
    '--global.checknewversion=false',
    '--global.sendanonymoususage=false',
    '--log.level=ERROR',
    ...(accessLogFile === undefined
      ? []
      : ['--accesslog=true', `--accesslog.filepath=${accessLogFile}`, '--accesslog.bufferingsize=1024']),
  ];
}

/** The content of the dynamic file; `version` is what pathOfVersion tells of it. */
export function buildDynamic(work: Work, version: number): object {
  const routes = listRoutes(work);
  const middlewares = ['requestid', ...(work.breaker === true ? ['inflight'] : [])];
  const routers = routes.map((entry, index): [string, object] => [
    `route-${index}`,
    { entryPoints: ['front'], rule: ruleOf(entry), priority: routes.length - index, middlewares, service: 'split' },
  ]);
  const shares = listShares(work);
  const [first, ...rest] = shares;
  const split =
    first !== undefined && rest.length === 0
      ? loadBalancer(first.port)
      : { weighted: { services: shares.map(({ port, weight }) => ({ name: `upstream-${port}`, weight })) } };
  const upstreams = shares.map(({ port }): [string, object] => [`upstream-${port}`, loadBalancer(port)]);
  return {
    http: {
      routers: {
        ...Object.fromEntries(routers),
        version: { entryPoints: ['internal'], rule: `Path(\`${pathOfVersion(version)}\`)`, service: 'ping@internal' },
      },
      services: { split, ...(rest.length === 0 ? {} : Object.fromEntries(upstreams)) },
      middlewares: {
        requestid: { plugin: { requestid: {} } },
        ...(work.breaker === true ? { inflight: { inFlightReq: { amount: BREAKER_LIMIT } } } : {}),
      },
    },
  };
}

function loadBalancer(port: number): object {
  return { loadBalancer: { servers: [{ url: `http://127.0.0.1:${port}` }] } };
}

function ruleOf({ match, pattern, headerValue }: RouteEntry): string {
  switch (match) {
    case 'exact':
      return `Path(\`${pattern}\`)`;
    case 'prefix': {
      const prefix = `PathPrefix(\`${pattern}\`)`;
      return headerValue === undefined ? prefix : `Header(\`x-route\`, \`${headerValue}\`) && ${prefix}`;
    }
    case 'regex':
      return `PathRegexp(\`^${pattern}$\`)`;
  }
}
