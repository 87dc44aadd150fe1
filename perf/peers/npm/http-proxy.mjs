// SPDX-License-Identifier: Apache-2.0
// http-proxy behind the plain node:http server of its README. It has no routes, so this has what a user writes first: a Map
// for exact paths and for header values, a loop in rule order over prefixes and over regular expressions.
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';
import {
  accessLog,
  addForwardingHeaders,
  enterUpstream,
  leaveUpstream,
  pickUpstream,
  serveOnThreads,
  work,
} from './work-file.mjs';

const targets = work.shares.map(({ port }) => ({ host: '127.0.0.1', port, protocol: 'http:' }));
const matches = matcherOf(work.routes);
// Without an agent http-proxy asks the upstream to close after each request.
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: work.idleConnectionCount });
const proxy = httpProxy.createProxyServer({ agent });

proxy.on('error', (_error, _request, response) => {
  if (response.headersSent === false) response.writeHead(502);
  response.end();
});

serveOnThreads(() => {
  const server = createServer(handle);
  // Idle clients are the suite's to close: the default of 5 s would end them while they are measured.
  server.keepAliveTimeout = 0;
  server.listen(work.port, '127.0.0.1');
});

function handle(request, response) {
  if (!matches(request)) return answer(response, 404);
  const index = pickUpstream();
  if (!enterUpstream(index)) return answer(response, 503);
  if (work.limit !== null) response.once('close', () => leaveUpstream(index));
  if (accessLog !== null) logWhenDone(request, response);
  addForwardingHeaders(request.headers, request.socket.remoteAddress);
  proxy.web(request, response, { target: targets[index] });
}

function answer(response, status) {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}

function logWhenDone(request, response) {
  const start = performance.now();
  response.once('finish', () => {
    const tookMs = (performance.now() - start).toFixed(1);
    accessLog.write(
      `${request.socket.remoteAddress} [${new Date().toISOString()}] "${request.method} ${request.url}" ${response.statusCode} ${tookMs}\n`,
    );
  });
}

function pathOf({ url }) {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

function matcherOf(routes) {
  if (routes[0].headerValue !== undefined) {
    const values = new Map(routes.map((route) => [route.headerValue, route]));
    return ({ headers }) => values.has(headers['x-route']);
  }
  const patterns = routes.map(({ pattern }) => pattern);
  switch (routes[0].match) {
    case 'exact': {
      const paths = new Map(routes.map((route) => [route.pattern, route]));
      return (request) => paths.has(pathOf(request));
    }
    case 'prefix':
      return (request) => {
        const path = pathOf(request);
        return patterns.some((pattern) => path.startsWith(pattern));
      };
    case 'regex': {
      const expressions = patterns.map((pattern) => new RegExp(`^${pattern}$`));
      return (request) => {
        const path = pathOf(request);
        return expressions.some((expression) => expression.test(path));
      };
    }
  }
}
