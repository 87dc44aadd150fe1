// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `VirtualService`, with its TLS and TCP routes. */
import { checkVirtualService } from '../validate-virtual-service.js';
import { checkRouteWeights } from '../validate-http-route.js';
import { httpRoute } from './http-route.js';
import { field, integer, labels, list, message, NOT_EXECUTED, port, REQUIRED, string } from './schema.js';
import type { MessageSchema } from './schema.js';
import { destination, exportTo } from './shared.js';

const routeDestination = message({
  destination: field(destination, 'Where to forward to.', REQUIRED),
  weight: field(integer(0, 2 ** 31 - 1), 'Share of the connections.'),
});

const layer4Match = {
  destinationSubnets: field(list(string('ip-or-subnet')), 'Original destination address.', NOT_EXECUTED),
  port: field(port(), 'Port of the listener.'),
  sourceLabels: field(labels(), 'Only in proxies of workloads with these labels.'),
  sourceNamespace: field(string('dns-label'), 'Only in proxies of this namespace.'),
  gateways: field(list(string()), 'Only on these gateways.'),
};

const tlsMatch = message({
  sniHosts: field(list(string('host-pattern'), 1), 'Server names of the ClientHello.', REQUIRED),
  ...layer4Match,
});

const tcpMatch = message({
  ...layer4Match,
  sourceSubnet: field(string(), 'Not implemented by Istio.', { status: 'no-effect' }),
});

const tlsRoute = message(
  {
    match: field(list(tlsMatch, 1), 'Any of these blocks must hold.', REQUIRED),
    route: field(list(routeDestination, 1), 'Where connections go.', REQUIRED),
  },
  { check: checkRouteWeights },
);

const tcpRoute = message(
  {
    match: field(list(tcpMatch), 'Any of these blocks must hold; absent means every connection.'),
    route: field(list(routeDestination, 1), 'Where connections go.', REQUIRED),
  },
  { check: checkRouteWeights },
);

export const virtualServiceSpec: MessageSchema = {
  fields: {
    hosts: field(list(string('host-pattern')), 'Hosts that the rules are for.'),
    gateways: field(list(string()), 'Where the rules apply; absent means `mesh`, the sidecars.'),
    http: field(list(httpRoute), 'Rules for HTTP, tried in order.'),
    tls: field(list(tlsRoute), 'Rules for TLS that is not terminated.'),
    tcp: field(list(tcpRoute), 'Rules for opaque connections.'),
    exportTo: field(exportTo, 'Namespaces that see this resource; absent means all.'),
  },
  check: checkVirtualService,
};
