// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `LoadBalancerSettings`: policies, consistent hash, warm-up, locality. */
import {
  checkConsistentHash,
  checkCookie,
  checkLoadBalancer,
  checkLocality,
  checkMaglev,
  checkWarmup,
  checkZoneAware,
} from '../validate-load-balancer.js';
import {
  boolean,
  field,
  integer,
  list,
  map,
  message,
  nonEmptyString,
  NOT_EXECUTED,
  number,
  oneOf,
  REQUIRED,
  string,
} from './schema.js';

const cookie = message(
  {
    name: field(nonEmptyString(), 'Name of the cookie.', REQUIRED),
    path: field(string(), 'Path of a generated cookie.'),
    ttl: field(string('duration-or-zero'), 'Present: a missing cookie is generated; 0s makes a session cookie.'),
    attributes: field(
      list(
        message({
          name: field(nonEmptyString(), 'Attribute name.', REQUIRED),
          value: field(string(), 'Attribute value.'),
        }),
      ),
      'Further attributes of a generated cookie.',
    ),
  },
  { check: checkCookie },
);

const consistentHash = message(
  {
    httpHeaderName: field(nonEmptyString(), 'Hash of a request header.'),
    httpCookie: field(cookie, 'Hash of a cookie.'),
    useSourceIp: field(boolean(), 'Hash of the client address.'),
    httpQueryParameterName: field(nonEmptyString(), 'Hash of a query parameter.'),
    ringHash: field(
      message({ minimumRingSize: field(integer(0, Number.MAX_SAFE_INTEGER), 'Entries of the ring.') }),
      'Ring hash.',
    ),
    maglev: field(
      message(
        { tableSize: field(integer(1, 5_000_010), 'Entries of the table, a prime.', REQUIRED) },
        { check: checkMaglev },
      ),
      'Maglev.',
    ),
    minimumRingSize: field(integer(0, Number.MAX_SAFE_INTEGER), 'Entries of the ring.', {
      deprecated: 'Use ringHash.minimumRingSize.',
    }),
  },
  {
    oneofs: [
      ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
      ['ringHash', 'maglev', 'minimumRingSize'],
    ],
    check: checkConsistentHash,
  },
);

const warmup = message(
  {
    duration: field(string('duration'), 'Length of the slow start.', REQUIRED),
    minimumPercent: field(number(0, 100), 'Weight at the start.'),
    aggression: field(number(0, Number.MAX_VALUE), 'Curve of the growth; 1 is linear.'),
  },
  { check: checkWarmup },
);

const fromTo = message({
  from: field(string(), 'Region of the client.', REQUIRED),
  to: field(string(), 'Region of the endpoints.', REQUIRED),
});

const locality = message(
  {
    enabled: field(boolean(), 'False switches locality off.'),
    distribute: field(
      list(
        message({
          from: field(nonEmptyString(), 'Locality of the client.', REQUIRED),
          to: field(map(integer(1, 100)), 'Percent by locality of the endpoints.', REQUIRED),
        }),
      ),
      'Shares by locality.',
    ),
    failover: field(list(fromTo), 'Where requests go when a region has no healthy endpoint.'),
    failoverPriority: field(list(nonEmptyString()), 'Labels that make endpoints preferred, in order.'),
  },
  { oneofs: [['distribute', 'failover']], check: checkLocality },
);

const zoneAware = message(
  {
    enabled: field(boolean(), 'False switches zone awareness off.'),
    failover: field(list(fromTo), 'As in localityLbSetting.'),
    failoverPriority: field(list(nonEmptyString()), 'As in localityLbSetting, without locality labels.'),
    minClusterSize: field(integer(1), 'Fewer endpoints are balanced without regard to zones.'),
  },
  { check: checkZoneAware },
);

const backendUtilization = message({
  errorUtilizationPenaltyPercent: field(number(0, Number.MAX_VALUE), 'Penalty for errors.'),
  metricNamesForComputingUtilization: field(list(string()), 'Metrics of the load report.'),
  weightExpirationPeriod: field(string('duration-or-zero'), 'When a report is too old.'),
  weightStabilizationPeriod: field(string('duration-or-zero'), 'When the first reports count.'),
  weightUpdatePeriod: field(string('duration-or-zero'), 'How often weights change.'),
});

export const loadBalancer = message(
  {
    simple: field(
      oneOf(['UNSPECIFIED', 'ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH'], ['PASSTHROUGH']),
      'How an endpoint is chosen; absent means LEAST_REQUEST.',
    ),
    consistentHash: field(consistentHash, 'The same key goes to the same endpoint.', NOT_EXECUTED),
    backendUtilization: field(backendUtilization, 'Weights from load reports.', NOT_EXECUTED),
    warmup: field(warmup, 'Slow start of new endpoints.', NOT_EXECUTED),
    warmupDurationSecs: field(string('duration'), 'Slow start of new endpoints.', {
      ...NOT_EXECUTED,
      deprecated: 'Use warmup.duration.',
    }),
    localityLbSetting: field(locality, 'Balancing by region and zone.', NOT_EXECUTED),
    zoneAwareLbSetting: field(zoneAware, 'Balancing by the sizes of zones.', NOT_EXECUTED),
  },
  {
    oneofs: [
      ['simple', 'consistentHash', 'backendUtilization'],
      ['localityLbSetting', 'zoneAwareLbSetting'],
    ],
    check: checkLoadBalancer,
  },
);
