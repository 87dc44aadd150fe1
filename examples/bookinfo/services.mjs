// SPDX-License-Identifier: Apache-2.0
// Stand-ins for Bookinfo's services, in plain Node.js: what they say is as little as the scenarios need. Each service calls
// the others by their names, as in a cluster, through the sidecar.
import http from 'node:http';
import net from 'node:net';

/** Headers that a service hands on, so that rules can look at them further in. */
const HANDED_ON = ['end-user', 'x-request-id'];

/** Starts one service on a free port. Resolves with its port, the requests it got, and how to stop it. */
function serve(name, handle) {
  const requests = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-service': name });
      response.end(JSON.stringify(body));
    };
    Promise.resolve(handle(request, answer)).catch((error) => answer(500, { error: error.message }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const stop = () => new Promise((done) => server.close(done) && server.closeAllConnections());
      resolve({ name, port: server.address().port, requests, stop });
    });
  });
}

/** Starts a TCP service that answers what it is sent with a word in front. */
function echo(name, word) {
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => socket.write(`${word} ${chunk}`)).on('end', () => socket.end());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const stop = () =>
        new Promise((done) => {
          server.close(done);
          for (const socket of sockets) socket.destroy();
        });
      resolve({ name, port: server.address().port, requests: [], stop });
    });
  });
}

/** Asks another service by its name. `mesh.port` is where the sidecar listens for port 9080. */
function ask(mesh, service, path, incoming) {
  const headers = { host: `${service}:9080` };
  for (const name of HANDED_ON) if (incoming.headers[name] !== undefined) headers[name] = incoming.headers[name];
  return get({ port: mesh.port, path, headers });
}

/** One GET; resolves with status, headers and body, whatever the status is. */
export function get(options) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', agent: false, ...options }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    request.on('error', reject);
    request.end(options.body);
  });
}

function parsed({ status, body }) {
  return status === 200 ? JSON.parse(body) : { error: status };
}

/** Reviews v1 shows no ratings, v2 black stars, v3 red ones. */
async function reviews(version, mesh, request, answer) {
  const review = { reviewer: 'Reviewer1', text: 'An extremely entertaining play by Shakespeare.' };
  if (version === 'v1') return answer(200, { version, reviews: [review] });
  const color = version === 'v2' ? 'black' : 'red';
  const ratings = parsed(await ask(mesh, 'ratings', '/ratings/0', request));
  answer(200, { version, reviews: [{ ...review, rating: { color, ...ratings } }] });
}

/**
 * Starts all services. `mesh` is `{ port }`, filled in when the sidecar runs. Resolves with the services by name, such as
 * `reviews-v2`.
 */
export async function startServices(mesh) {
  const started = await Promise.all([
    serve('productpage-v1', async (request, answer) => {
      const [details, shown] = await Promise.all([
        ask(mesh, 'details', '/details/0', request),
        ask(mesh, 'reviews', '/reviews/0', request),
      ]);
      answer(200, { details: parsed(details), reviews: parsed(shown) });
    }),
    serve('details-v1', async (request, answer) => {
      const slowMs = Number(request.headers['x-slow-ms'] ?? 0);
      await new Promise((resolve) => setTimeout(resolve, slowMs));
      answer(200, { author: 'William Shakespeare', year: 1595 });
    }),
    ...['v1', 'v2', 'v3'].map((version) =>
      serve(`reviews-${version}`, (request, answer) => reviews(version, mesh, request, answer)),
    ),
    serve('ratings-v1', flaky),
    echo('echo-v1', 'one'),
    echo('echo-v2', 'two'),
    serve('archive', (_request, answer) => answer(200, { archive: 'outside' })),
  ]);
  return Object.fromEntries(started.map((service) => [service.name, service]));
}

/** Fails on the first tries of a request that asks for it by `x-fail-tries`. */
function flaky(request, answer) {
  const attempt = Number(request.headers['x-envoy-attempt-count'] ?? 1);
  if (attempt <= Number(request.headers['x-fail-tries'] ?? 0)) return answer(503, { error: 'not yet' });
  return answer(200, { Reviewer1: 5, attempt });
}
