// SPDX-License-Identifier: Apache-2.0
/**
 * `weft demo` (what `npm start` runs): two small services and a gateway in front of them, from examples/hello, in one
 * process. It is a real proxy on real YAML: editing the files while it runs shifts traffic.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { DEMO_UPSTREAMS, startDemoUpstreams } from './demo-upstreams.js';
import { DEFAULT_CLIENT_LIMITS } from '../engine/client-limits.js';
import type { CommandIo } from './options.js';
import { runService, serveOptionsOf } from './proxy.js';
import { checkPort } from './settings.js';
import type { OptionTable } from './settings.js';

/** Port of the Gateway in examples/hello/gateway.yaml. */
const GATEWAY_PORT = 80;
const HOST = 'xingren.upup';

export const DEMO_OPTIONS = {
  port: { type: 'number', default: 8080, describe: 'Port that the gateway listens on' },
  admin: { type: 'string', default: '127.0.0.1:15000', describe: 'Address of the admin server' },
  'log-level': {
    choices: ['info', 'warning', 'error'] as const,
    default: 'warning',
    describe: 'What is written to standard error',
  },
} as const satisfies OptionTable;

export interface DemoArguments {
  readonly port: number;
  readonly admin: string;
  readonly logLevel: 'info' | 'warning' | 'error';
}

export async function runDemo(args: DemoArguments, io: CommandIo): Promise<number> {
  const folder = exampleFolder();
  const options = serveOptionsOf(
    {
      role: 'gateway',
      namespace: 'default',
      labels: 'istio=ingressgateway',
      listenMap: `${GATEWAY_PORT}=${checkPort('--port', args.port)}`,
      bind: '127.0.0.1',
      istioDefaultRetries: false,
      outboundTrafficPolicy: 'REGISTRY_ONLY',
      threads: undefined,
      front: 'auto',
      admin: args.admin,
      statusPort: -1,
      metricsPort: -1,
      // The demo's longest answer is held for a minute; nobody who pressed Ctrl-C waits for it.
      drainSeconds: 1,
      logLevel: args.logLevel,
      accessLog: 'off',
      accessLogEncoding: 'TEXT',
      exposeReasons: true,
      stateDir: undefined,
    },
    DEFAULT_CLIENT_LIMITS,
    { paths: [folder] },
    io,
  );
  const upstreams = await startDemoUpstreams();
  try {
    return await runService(options, io, async (service) => {
      const port = service.proxy.listeners()[0]?.port ?? args.port;
      io.stdout.write(welcome(folder, port, `${service.admin.address}:${service.admin.port}`));
    });
  } finally {
    upstreams.close();
  }
}

/** examples/ stands beside package.json: two folders above src/cli/, three above dist/src/cli/. */
function exampleFolder(): string {
  for (const distance of ['../../../examples/hello', '../../examples/hello']) {
    const folder = fileURLToPath(new URL(distance, import.meta.url));
    if (existsSync(folder)) return relative(process.cwd(), folder);
  }
  throw new Error('examples/hello is missing from the package');
}

function welcome(folder: string, port: number, admin: string): string {
  const url = `http://127.0.0.1:${port}`;
  const curl = `curl -H 'Host: ${HOST}'`;
  const upstreams = DEMO_UPSTREAMS.map(({ version, port: at }) => `  ${version.padEnd(9)}http://127.0.0.1:${at}`);
  return `
Weft is running the configuration in ${folder}

  gateway  ${url}   (host ${HOST})
${upstreams.join('\n')}
  admin    http://${admin}

Try, in another terminal:

  ${curl} ${url}/                        # 7 of 10 say Hello World, 3 Hello World(new)
  ${curl} -H 'version: new' ${url}/      # always Hello World(new); 1 in 10 waits 10 s first
  ${curl} ${url}/headers                 # what the service received
  ${curl} ${url}/hold/5 & ${curl} ${url}/hold/5 & ${curl} -i ${url}/hold/5; wait   # limits of 1: 503
  curl -i ${url}/                                               # no such host: 404, and why
  npx weft explain -c ${folder} GET http://${HOST}/ -H 'version: new'

Edit ${folder}/virtual-service.yaml (say, weights 0 and 100) and ask again. Ctrl-C stops everything.

`;
}
