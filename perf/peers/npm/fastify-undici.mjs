// SPDX-License-Identifier: Apache-2.0
// Fastify in front, undici pools to the upstreams, bodies streamed both ways. Routes are Fastify's own: static paths,
// wildcards, parametric segments with an expression, and a constraint on the x-route header.
import fastify, { LogController } from 'fastify';
import { Pool } from 'undici';
import {
  accessLog,
  addForwardingHeaders,
  enterUpstream,
  leaveUpstream,
  pickUpstream,
  serveOnThreads,
  work,
} from './work-file.mjs';

/** Headers of one connection (RFC 9110 section 7.6.1), which a proxy does not pass on. */
const CONNECTION_HEADERS = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'expect'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const pools = work.shares.map(
  // Null connections: as many as there are requests under way. Bodies of any length take as long as they take.
  ({ port }) => new Pool(`http://127.0.0.1:${port}`, { connections: null, bodyTimeout: 0, headersTimeout: 0 }),
);

serveOnThreads(async () => {
  const server = fastify({
    logger: accessLog === null ? false : { stream: accessLog },
    // Two lines for each request; the hook below writes one, as the other peers do.
    logController: new LogController({ disableRequestLogging: true }),
    // The suite closes idle clients; the default of 72 s would end them while they are measured, and 0 stands for it.
    keepAliveTimeout: 3_600_000,
    // Duplicates of HEAD routes would double the router.
    exposeHeadRoutes: false,
    routerOptions: { constraints: { route: headerConstraint() } },
    // Bodies go through unread; the default refuses those over 1 MiB.
    bodyLimit: Number.MAX_SAFE_INTEGER,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send());
  if (accessLog !== null) {
    server.addHook('onResponse', (request, reply, done) => {
      request.log.info({
        method: request.method,
        url: request.url,
        status: reply.statusCode,
        tookMs: reply.elapsedTime,
      });
      done();
    });
  }
  for (const route of work.routes) server.route({ method: METHODS, handler: forward, ...placeOf(route) });
  await server.listen({ port: work.port, host: '127.0.0.1' });
});

async function forward(request, reply) {
  const index = pickUpstream();
  if (!enterUpstream(index)) return reply.code(503).send();
  if (work.limit !== null) reply.raw.once('close', () => leaveUpstream(index));
  const { method, url, raw } = request;
  const headers = { ...request.headers };
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  removeConnectionHeaders(headers);
  addForwardingHeaders(headers, raw.socket.remoteAddress);
  try {
    const answer = await pools[index].request({ method, path: url, headers, body: hasBody ? raw : null });
    removeConnectionHeaders(answer.headers);
    return reply.code(answer.statusCode).headers(answer.headers).send(answer.body);
  } catch {
    return reply.code(502).send();
  }
}

function removeConnectionHeaders(headers) {
  for (const name of CONNECTION_HEADERS) {
    if (headers[name] !== undefined) delete headers[name];
  }
}

function placeOf({ match, pattern, headerValue }) {
  if (headerValue !== undefined) return { url: `${pattern}*`, constraints: { route: headerValue } };
  switch (match) {
    case 'exact':
      return { url: pattern };
    case 'prefix':
      return { url: `${pattern}*` };
    case 'regex': {
      const slash = pattern.lastIndexOf('/') + 1;
      return { url: `${pattern.slice(0, slash)}:id(^${pattern.slice(slash)}$)` };
    }
  }
}

function headerConstraint() {
  return {
    name: 'route',
    storage: () => {
      const handlers = new Map();
      return { get: (value) => handlers.get(value) ?? null, set: (value, handler) => handlers.set(value, handler) };
    },
    validate: () => undefined,
    deriveConstraint: (request) => request.headers['x-route'],
  };
}
