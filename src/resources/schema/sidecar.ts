// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `Sidecar`. */
import { checkEgressListener, checkSidecar } from '../validate-sidecar.js';
import { normalizePort } from '../validate-gateway.js';
import { field, list, message, NOT_EXECUTED, oneOf, port, REQUIRED, selector, string } from './schema.js';
import type { MessageSchema } from './schema.js';
import { connectionPool } from './destination-rule.js';
import { destination } from './shared.js';
import { tls } from './gateway.js';

const CAPTURE_MODES = ['DEFAULT', 'IPTABLES', 'NONE'];

const sidecarPort = message(
  {
    number: field(port(), 'Port number.', REQUIRED),
    name: field(string(), 'Name of the port.'),
    protocol: field(string(), 'Protocol; absent means that it is detected.'),
    targetPort: field(port(), 'Refused, as in Istio.', { status: 'refused' }),
  },
  { normalize: normalizePort },
);

const ingressListener = message({
  port: field(sidecarPort, 'The port that the proxy receives on.', REQUIRED),
  bind: field(string('ip-address'), 'Address to listen on.'),
  captureMode: field(oneOf(CAPTURE_MODES), 'How connections reach the proxy; ports are opened in any case.', {
    status: 'no-effect',
  }),
  defaultEndpoint: field(string(), 'Where the workload listens, as 127.0.0.1:PORT.', { acceptedOnly: 'unix' }),
  tls: field(tls, 'TLS settings of the port.', NOT_EXECUTED),
  connectionPool: field(connectionPool, 'Limits on connections to the workload.'),
});

const egressListener = message(
  {
    port: field(sidecarPort, 'Limits the listener to one port; absent means all other ports.'),
    bind: field(string('ip-or-unix'), 'Address to listen on.'),
    captureMode: field(oneOf(CAPTURE_MODES), 'How connections reach the proxy; ports are opened in any case.', {
      status: 'no-effect',
    }),
    hosts: field(list(string(), 1), 'Services that are visible, as namespace/host.', REQUIRED),
  },
  { check: checkEgressListener },
);

const outboundTrafficPolicy = message({
  mode: field(oneOf(['REGISTRY_ONLY', 'ALLOW_ANY']), 'What becomes of requests to unknown hosts.'),
  egressProxy: field(destination, 'Where requests to unknown hosts go; needs ALLOW_ANY.'),
});

export const sidecarSpec: MessageSchema = {
  fields: {
    workloadSelector: field(
      message({ labels: field(selector(), 'Labels of the workloads.') }),
      'Which workloads; absent means all of the namespace.',
    ),
    ingress: field(list(ingressListener), 'Inbound listeners; absent means none.'),
    inboundConnectionPool: field(connectionPool, 'Limits on connections to the workload.'),
    egress: field(list(egressListener), 'What is visible of the mesh; absent means everything.'),
    outboundTrafficPolicy: field(outboundTrafficPolicy, 'What becomes of requests to unknown hosts.'),
  },
  check: checkSidecar,
};
