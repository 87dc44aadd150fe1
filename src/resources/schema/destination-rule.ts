// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `DestinationRule`. */
import {
  checkConnectionPool,
  checkDestinationRule,
  checkOutlierDetection,
  checkPortPolicy,
  checkTrafficPolicy,
  checkUpstreamTls,
} from '../validate-destination-rule.js';
import { loadBalancer } from './load-balancer.js';
import {
  boolean,
  field,
  integer,
  labels,
  list,
  message,
  NOT_EXECUTED,
  number,
  oneOf,
  port,
  REQUIRED,
  selector,
  string,
} from './schema.js';
import type { FieldSchema, MessageSchema } from './schema.js';
import { exportTo } from './shared.js';

const INT32 = 2 ** 31 - 1;

const tcpPool = message({
  maxConnections: field(integer(0, INT32), 'Connections to all endpoints together; 0 means no limit.'),
  connectTimeout: field(string('duration'), 'Time limit of a connection attempt; absent means 10s.'),
  idleTimeout: field(string('duration-or-zero'), 'How long an idle connection is kept; 0s means for ever.'),
  maxConnectionDuration: field(string('duration'), 'Greatest age of a connection.', NOT_EXECUTED),
  tcpKeepalive: field(
    message({
      probes: field(integer(), 'Unanswered probes before the connection is dead.'),
      time: field(string('duration'), 'Idle time before the first probe.'),
      interval: field(string('duration'), 'Time between probes.'),
    }),
    'Keep-alive probes of TCP.',
    NOT_EXECUTED,
  ),
});

const httpPool = message(
  {
    http1MaxPendingRequests: field(integer(0, INT32), 'Requests waiting for a connection; 0 means no limit.'),
    http2MaxRequests: field(integer(0, INT32), 'Active requests, of HTTP/1.1 too; 0 means no limit.'),
    maxRequestsPerConnection: field(integer(0, 2 ** 29), 'Requests per connection; 1 switches keep-alive off.'),
    maxRetries: field(integer(0, INT32), 'Retries under way at the same time; 0 means no limit.'),
    idleTimeout: field(string('duration'), 'How long a connection without requests is kept; absent means 1h.'),
    h2UpgradePolicy: field(oneOf(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'], ['UPGRADE']), 'HTTP/2 to the upstream.'),
    useClientProtocol: field(boolean(), 'Speaks to the upstream what the client speaks.', NOT_EXECUTED),
    maxConcurrentStreams: field(integer(0, INT32), 'Streams per HTTP/2 connection.', NOT_EXECUTED),
    http2KeepAlive: field(
      message({
        interval: field(string('duration'), 'Time between pings.', REQUIRED),
        timeout: field(string('duration'), 'How long an answer may take.', REQUIRED),
      }),
      'Pings of HTTP/2.',
      NOT_EXECUTED,
    ),
  },
  { check: checkConnectionPool },
);

export const connectionPool = message(
  {
    tcp: field(tcpPool, 'Limits of connections.'),
    http: field(httpPool, 'Limits of requests.'),
  },
  {
    check: (value: object, place) => {
      if (Object.keys(value).length === 0) place.report('empty-connection-pool', 'tcp or http must be set');
    },
  },
);

const outlierDetection = message(
  {
    consecutive5xxErrors: field(integer(), 'Errors in a row that eject an endpoint; absent means 5, 0 never.'),
    consecutiveGatewayErrors: field(integer(), 'The same for 502, 503 and 504; 0 means never.'),
    splitExternalLocalOriginErrors: field(boolean(), 'Counts local failures by themselves.'),
    consecutiveLocalOriginFailures: field(integer(), 'Local failures in a row that eject an endpoint.'),
    interval: field(string('duration'), 'How often ejected endpoints are looked at.'),
    baseEjectionTime: field(string('duration'), 'How long the first ejection lasts.'),
    maxEjectionPercent: field(integer(0, 100), 'Greatest share of endpoints that are ejected; absent means 10.'),
    minHealthPercent: field(integer(0, 100), 'Below it, all endpoints are used.'),
    outlierDetectionHttpErrorCodes: field(list(integer(100, 599)), 'Statuses that count as errors.'),
    consecutiveErrors: field(integer(0, INT32), 'No effect.', { deprecated: 'Use consecutive5xxErrors.' }),
  },
  { check: checkOutlierDetection },
);

const tls = message(
  {
    mode: field(oneOf(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'], ['ISTIO_MUTUAL']), 'TLS to the upstream.', {
      fallback: 'DISABLE',
    }),
    clientCertificate: field(string(), 'File of the client certificate.'),
    privateKey: field(string(), 'File of its key.'),
    caCertificates: field(string(), 'File of the certificate authorities.'),
    caCrl: field(string(), 'File of revoked certificates.'),
    credentialName: field(string(), 'Secret with the certificates.'),
    subjectAltNames: field(list(string()), 'Names of which the server must have one.'),
    sni: field(string(), 'Server name sent in the handshake.'),
    insecureSkipVerify: field(boolean(), 'Accepts any certificate.'),
  },
  { check: checkUpstreamTls },
);

const blocks: Record<string, FieldSchema> = {
  loadBalancer: field(loadBalancer, 'How an endpoint is chosen.'),
  connectionPool: field(connectionPool, 'Limits of connections and requests.'),
  outlierDetection: field(outlierDetection, 'Takes failing endpoints out for a while.', NOT_EXECUTED),
  tls: field(tls, 'TLS to the upstream.'),
};

const portPolicy = message(
  {
    port: field(message({ number: field(port(), 'Port of the service.', REQUIRED) }), 'Which port.', REQUIRED),
    ...blocks,
  },
  { check: checkPortPolicy },
);

const trafficPolicy = message(
  {
    ...blocks,
    portLevelSettings: field(list(portPolicy, 0, 4096), 'Policies of single ports; they replace this one.'),
    tunnel: field(
      message({
        protocol: field(oneOf(['CONNECT', 'POST']), 'How the tunnel is asked for.'),
        targetHost: field(string('ip-or-fqdn'), 'Where the tunnel ends.', REQUIRED),
        targetPort: field(port(), 'At which port it ends.', REQUIRED),
      }),
      'Sends connections through an HTTP tunnel.',
      NOT_EXECUTED,
    ),
    proxyProtocol: field(
      message({ version: field(oneOf(['V1', 'V2']), 'Version of the PROXY protocol.') }),
      'Prefixes upstream connections with a PROXY header.',
      NOT_EXECUTED,
    ),
    retryBudget: field(
      message({
        percent: field(number(0, 100), 'Share of the active requests that may be retries.'),
        minRetryConcurrency: field(integer(), 'Retries that are always allowed.'),
        budgetInterval: field(string('duration-or-zero'), 'Requests of this time count as active.', NOT_EXECUTED),
      }),
      'Limits retries by a share of the requests; absent means 20 %, and 3 in any case.',
    ),
  },
  { oneofs: [['tunnel', 'proxyProtocol']], check: checkTrafficPolicy },
);

export const destinationRuleSpec: MessageSchema = {
  fields: {
    host: field(string('host-pattern'), 'The service, or a pattern of services.', REQUIRED),
    trafficPolicy: field(trafficPolicy, 'Policy for all traffic to the host.'),
    subsets: field(
      list(
        message({
          name: field(string('dns-label'), 'Name that routes refer to.', REQUIRED),
          labels: field(labels(), 'Labels of the endpoints; none means all endpoints.'),
          trafficPolicy: field(trafficPolicy, 'Blocks that replace those of the host.'),
        }),
      ),
      'Named groups of endpoints.',
    ),
    exportTo: field(exportTo, 'Namespaces that see this resource; absent means all.'),
    workloadSelector: field(
      message({ matchLabels: field(selector(), 'Labels of the client workloads.') }),
      'Only for these client workloads.',
    ),
  },
  check: checkDestinationRule,
};
