// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `WorkloadGroup`; its probe is what endpoints of the group are checked by. */
import { checkProbe } from '../validate-workload-group.js';
import { field, integer, labels, list, map, message, NOT_EXECUTED, oneOf, port, REQUIRED } from './schema.js';
import { string } from './schema.js';
import type { MessageSchema } from './schema.js';
import { stringMap } from './shared.js';

const seconds = integer(0, 2 ** 31 - 1);

const httpGet = message({
  path: field(string(), 'Path of the request; absent means /.'),
  port: field(port(), 'Port of the workload.', REQUIRED),
  host: field(string(), 'Where to connect to instead of the address of the workload.'),
  scheme: field(oneOf(['HTTP', 'HTTPS']), 'HTTP unless it says otherwise; certificates are not verified.'),
  httpHeaders: field(
    list(message({ name: field(string(), 'Name of a header.', REQUIRED), value: field(string(), 'Its value.') })),
    'Headers of the request.',
  ),
});

/** Kubernetes' probe, as Istio has it. */
export const probe = message(
  {
    initialDelaySeconds: field(seconds, 'How long to wait before the first check.'),
    timeoutSeconds: field(seconds, 'How long a check may take; 0 and absent mean 1.'),
    periodSeconds: field(seconds, 'How long to wait between checks; 0 and absent mean 10.'),
    successThreshold: field(seconds, 'Checks in a row that make an endpoint healthy; 0 and absent mean 1.'),
    failureThreshold: field(seconds, 'Checks in a row that make it unhealthy; 0 and absent mean 1.'),
    httpGet: field(httpGet, 'Healthy when the answer is 200 to 399.'),
    tcpSocket: field(
      message({
        host: field(string(), 'Where to connect to instead of the address of the workload.'),
        port: field(port(), 'Port of the workload.', REQUIRED),
      }),
      'Healthy when a connection can be made.',
    ),
    grpc: field(
      message({
        port: field(port(), 'Port of the workload.', REQUIRED),
        service: field(string(), 'The service that grpc.health.v1 is asked about.'),
      }),
      'Healthy when grpc.health.v1 says SERVING.',
    ),
    exec: field(
      message({ command: field(list(string(), 1), 'Command and its arguments.', REQUIRED) }),
      'Needs to run where the workload is.',
      NOT_EXECUTED,
    ),
  },
  { oneofs: [['httpGet', 'tcpSocket', 'grpc', 'exec']], check: checkProbe },
);

const template = message({
  address: field(string(), 'No effect: each entry has its own.', { status: 'no-effect' }),
  ports: field(map(port(), 'dns-label'), 'Ports of generated entries.', NOT_EXECUTED),
  labels: field(labels(), 'Labels of generated entries.', NOT_EXECUTED),
  network: field(string(), 'Network of generated entries.', NOT_EXECUTED),
  locality: field(string(), 'Locality of generated entries.', NOT_EXECUTED),
  weight: field(integer(), 'Weight of generated entries.', NOT_EXECUTED),
  serviceAccount: field(string(), 'Identity of generated entries.', NOT_EXECUTED),
});

export const workloadGroupSpec: MessageSchema = {
  fields: {
    metadata: field(
      message({
        labels: field(labels(), 'Labels by which WorkloadEntries of the namespace belong to the group.'),
        annotations: field(stringMap, 'Annotations of generated entries.', NOT_EXECUTED),
      }),
      'Metadata of the entries.',
    ),
    template: field(template, 'What the entries have in common.', REQUIRED),
    probe: field(probe, 'How endpoints of the group are checked.'),
  },
};
