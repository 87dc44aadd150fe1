// SPDX-License-Identifier: Apache-2.0
/** All proxies that Weft is measured against, in the order of the tables. */
import type { Peer } from './contract.js';
import { haproxy } from './haproxy.js';
import { nginx } from './nginx.js';

export const PEERS: readonly Peer[] = [nginx, haproxy];
