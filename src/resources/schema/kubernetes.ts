// SPDX-License-Identifier: Apache-2.0
/**
 * Tables of the Kubernetes core kinds that routing needs, as far as it reads them. They are open: the API server has
 * validated these objects, and their other fields are nobody's mistake.
 */
import { checkSecret } from '../validate-secret.js';
import {
  field,
  integer,
  list,
  message,
  oneOf,
  boolean,
  port,
  portOrName,
  REQUIRED,
  string,
  nonEmptyString,
} from './schema.js';
import type { MessageSchema } from './schema.js';
import { stringMap } from './shared.js';

const open = { open: true } as const;

const target = message(
  {
    kind: field(string(), 'Kind of the object behind the address.'),
    name: field(string(), 'Its name.'),
    namespace: field(string(), 'Its namespace.'),
  },
  open,
);

const servicePort = message(
  {
    name: field(string(), 'Name of the port; tells the protocol when appProtocol is absent.'),
    port: field(port(), 'Port of the service.', REQUIRED),
    targetPort: field(portOrName(), 'Port of the workload, as number or name.'),
    protocol: field(string(), 'TCP, UDP or SCTP.'),
    appProtocol: field(string(), 'Protocol spoken on the port.'),
  },
  open,
);

export const serviceSpec: MessageSchema = {
  fields: {
    type: field(oneOf(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']), 'How the service is reached.'),
    clusterIP: field(string(), 'Virtual address; None for a headless service.'),
    clusterIPs: field(list(string()), 'Virtual addresses of both families.'),
    externalName: field(string(), 'Target of a service of type ExternalName.'),
    selector: field(stringMap, 'Labels of the Pods.'),
    ports: field(list(servicePort), 'Ports of the service.'),
    publishNotReadyAddresses: field(boolean(), 'Uses endpoints that are not ready.'),
    internalTrafficPolicy: field(oneOf(['Cluster', 'Local'], ['Local']), 'Local keeps traffic on the node.'),
    trafficDistribution: field(string(), 'Prefers near endpoints.', { status: 'not-executed' }),
  },
  open: true,
};

const sliceEndpoint = message(
  {
    addresses: field(list(nonEmptyString(), 1), 'Addresses of the endpoint.', REQUIRED),
    conditions: field(
      message(
        {
          ready: field(boolean(), 'Absent means ready.'),
          serving: field(boolean(), 'Whether it answers.'),
          terminating: field(boolean(), 'Whether it is being stopped; then it is dropped.'),
        },
        open,
      ),
      'State of the endpoint.',
    ),
    targetRef: field(target, 'The Pod behind the address.'),
    nodeName: field(string(), 'The node that it runs on.'),
    zone: field(string(), 'The zone that it runs in.'),
  },
  open,
);

const slicePort = message(
  {
    name: field(string(), 'Name of the service port.'),
    port: field(port(), 'Port of the endpoints.'),
    protocol: field(string(), 'TCP, UDP or SCTP.'),
    appProtocol: field(string(), 'Protocol spoken on the port.'),
  },
  open,
);

/** The top-level fields of the object; it has no `spec`. */
export const endpointSliceSpec: MessageSchema = {
  fields: {
    addressType: field(oneOf(['IPv4', 'IPv6', 'FQDN']), 'Kind of the addresses; FQDN is ignored.', REQUIRED),
    endpoints: field(list(sliceEndpoint), 'The endpoints.'),
    ports: field(list(slicePort), 'Their ports.'),
  },
  open: true,
};

const endpointsAddress = message(
  {
    ip: field(string('ip-address'), 'Address of the endpoint.', REQUIRED),
    nodeName: field(string(), 'The node that it runs on.'),
    targetRef: field(target, 'The Pod behind the address.'),
  },
  open,
);

/** The top-level fields of the object; it has no `spec`. */
export const endpointsSpec: MessageSchema = {
  fields: {
    subsets: field(
      list(
        message(
          {
            addresses: field(list(endpointsAddress), 'Endpoints that are ready.'),
            notReadyAddresses: field(list(endpointsAddress), 'Endpoints that are not.'),
            ports: field(
              list(
                message(
                  {
                    name: field(string(), 'Name of the service port.'),
                    port: field(port(), 'Port of the endpoints.', REQUIRED),
                    protocol: field(string(), 'TCP, UDP or SCTP.'),
                  },
                  open,
                ),
              ),
              'Their ports.',
            ),
          },
          open,
        ),
      ),
      'Groups of endpoints with the same ports.',
    ),
  },
  open: true,
};

const container = message(
  {
    name: field(string(), 'Name of the container.'),
    ports: field(
      list(
        message(
          {
            name: field(string(), 'Name that a targetPort may use.'),
            containerPort: field(port(), 'The port.', REQUIRED),
            protocol: field(string(), 'TCP, UDP or SCTP.'),
          },
          open,
        ),
      ),
      'Ports of the container.',
    ),
  },
  open,
);

const podStatus = message(
  {
    podIP: field(string(), 'Address of the Pod.'),
    phase: field(string(), 'Pending, Running, Succeeded, Failed or Unknown.'),
    conditions: field(
      list(
        message(
          {
            type: field(string(), 'Such as Ready.', REQUIRED),
            status: field(string(), 'True, False or Unknown.', REQUIRED),
          },
          open,
        ),
      ),
      'State of the Pod.',
    ),
  },
  open,
);

/** The Pod's `spec` with its `status` inside. */
export const podSpec: MessageSchema = {
  fields: {
    serviceAccountName: field(string(), 'Identity of the workload.'),
    hostNetwork: field(boolean(), 'Whether it shares the address of its node.'),
    nodeName: field(string(), 'The node that it runs on.'),
    containers: field(list(container), 'Its containers.'),
    status: field(podStatus, 'Address and state.'),
  },
  open: true,
};

/** Values are never shown in a message. */
export const secretSpec: MessageSchema = {
  fields: {
    type: field(string(), 'Such as kubernetes.io/tls; the keys of the data count, whatever the type.'),
    data: field(stringMap, 'Values in base64: tls.crt, tls.key, ca.crt, ca.crl, or cert, key, cacert, crl.'),
    stringData: field(stringMap, 'Values as text; they win over data.'),
  },
  check: checkSecret,
  open: true,
};

export const namespaceSpec: MessageSchema = { fields: {}, open: true };

/** What every object has under `metadata`, as far as it is read. */
export const metadata: MessageSchema = {
  fields: {
    name: field(nonEmptyString(), 'Name of the object.', REQUIRED),
    namespace: field(string('dns-label'), 'Namespace of the object; absent means default.'),
    labels: field(stringMap, 'Labels of the object.'),
    annotations: field(stringMap, 'Annotations of the object.'),
    creationTimestamp: field(string(), 'Older resources win over younger ones.'),
    generation: field(integer(0, Number.MAX_SAFE_INTEGER), 'Counts changes.'),
  },
  open: true,
};
