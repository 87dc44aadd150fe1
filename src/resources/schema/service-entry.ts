// SPDX-License-Identifier: Apache-2.0
/** Tables of Istio's `ServiceEntry` and `WorkloadEntry`. */
import { checkServiceEntry, checkServiceEntryPort } from '../validate-service-entry.js';
import { checkWorkloadEntry } from '../validate-workload-entry.js';
import { normalizePort } from '../validate-gateway.js';
import {
  field,
  integer,
  labels,
  list,
  map,
  message,
  nonEmptyString,
  NOT_EXECUTED,
  oneOf,
  port,
  REQUIRED,
} from './schema.js';
import { selector, string } from './schema.js';
import type { MessageSchema } from './schema.js';
import { exportTo } from './shared.js';

const workloadEntryFields: MessageSchema['fields'] = {
  address: field(nonEmptyString(), 'IP address, domain name (DNS entries only) or unix:///path.'),
  ports: field(map(port(), 'dns-label'), 'Target ports by the name of the service port.'),
  labels: field(labels(), 'Labels for subsets and selectors.'),
  network: field(string(), 'Network of the workload.', NOT_EXECUTED),
  locality: field(string(), 'region/zone/subzone.'),
  weight: field(integer(), 'Share of the requests; 0 counts as 1.', { fallback: 1 }),
  serviceAccount: field(string(), 'Identity of the workload.'),
};

/** An entry inside a ServiceEntry and the object of its own have one table. */
export const workloadEntrySpec: MessageSchema = { fields: workloadEntryFields, check: checkWorkloadEntry };

const servicePort = message(
  {
    number: field(port(), 'The port that clients use.', REQUIRED),
    name: field(string('dns-label'), 'Unique in the ServiceEntry.', REQUIRED),
    protocol: field(string(), 'Absent means that it is detected. Only HTTP protocols are executed yet.', {
      acceptedOnly: 'HTTPS, TLS, TCP, MONGO, REDIS, MYSQL, HTTP_PROXY',
    }),
    targetPort: field(port(), 'The port of the endpoints; absent means number.'),
  },
  { check: checkServiceEntryPort, normalize: normalizePort },
);

export const serviceEntrySpec: MessageSchema = {
  fields: {
    hosts: field(list(string('destination-host'), 1, 256), 'Hosts of the service.', REQUIRED),
    addresses: field(list(string('ip-or-subnet'), 0, 256), 'Virtual addresses of the service.'),
    ports: field(list(servicePort), 'Ports of the service.'),
    location: field(oneOf(['MESH_EXTERNAL', 'MESH_INTERNAL']), 'Whether the service is part of the mesh.', {
      fallback: 'MESH_EXTERNAL',
    }),
    resolution: field(
      oneOf(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']),
      'How the endpoints are found.',
      { fallback: 'NONE' },
    ),
    endpoints: field(list({ kind: 'message', message: workloadEntrySpec }, 0, 4096), 'The endpoints.'),
    workloadSelector: field(
      message({ labels: field(selector(), 'Labels of Pods and WorkloadEntries.') }),
      'Finds the endpoints by their labels, in the same namespace.',
    ),
    exportTo: field(exportTo, 'Namespaces that see this resource; absent means all.'),
    subjectAltNames: field(
      list(string()),
      'Names of which the server must have one; for TLS whose DestinationRule has none.',
    ),
  },
  check: checkServiceEntry,
};
