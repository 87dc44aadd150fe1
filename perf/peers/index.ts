// SPDX-License-Identifier: Apache-2.0
/** All proxies that Weft is measured against, in the order of the tables. */
import { caddy } from './caddy.js';
import type { Peer } from './contract.js';
import { envoy } from './envoy.js';
import { fastifyUndici } from './fastify-undici.js';
import { haproxy } from './haproxy.js';
import { httpProxy } from './http-proxy.js';
import { nginx } from './nginx.js';
import { traefik } from './traefik.js';

export const PEERS: readonly Peer[] = [nginx, haproxy, envoy, caddy, traefik, httpProxy, fastifyUndici];
