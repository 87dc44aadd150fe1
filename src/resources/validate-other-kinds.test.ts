// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { loadTexts } from './load-resources.js';
import { describeCases, loadSpec } from '../../test/support/problem-cases.js';
import type { ProblemCase } from '../../test/support/problem-cases.js';

/** A DestinationRule with a traffic policy. */
function policy(text: string): string {
  return `{host: a, trafficPolicy: {${text}}}`;
}

const DESTINATION_RULE: readonly ProblemCase[] = [
  ['missing-field', 'spec.host', '{}'],
  ['empty-traffic-policy', 'spec.trafficPolicy', policy('')],
  [
    'empty-traffic-policy',
    'spec.trafficPolicy.portLevelSettings[0]',
    policy('portLevelSettings: [{port: {number: 80}}]'),
  ],
  [
    'missing-field',
    'spec.trafficPolicy.portLevelSettings[0].port',
    policy('portLevelSettings: [{loadBalancer: {simple: RANDOM}}]'),
  ],
  [
    'duplicate-port-policy',
    'spec.trafficPolicy.portLevelSettings[1]',
    policy(
      'portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}, {port: {number: 80}, loadBalancer: {simple: RANDOM}}]',
    ),
  ],
  ['empty-connection-pool', 'spec.trafficPolicy.connectionPool', policy('connectionPool: {}')],
  [
    'out-of-range',
    'spec.trafficPolicy.connectionPool.tcp.maxConnections',
    policy('connectionPool: {tcp: {maxConnections: -1}}'),
  ],
  [
    'invalid-duration',
    'spec.trafficPolicy.connectionPool.http.idleTimeout',
    policy('connectionPool: {http: {idleTimeout: 0s}}'),
  ],
  ['invalid-enum', 'spec.trafficPolicy.loadBalancer.simple', policy('loadBalancer: {simple: ROUNDROBIN}')],
  ['not-executed', 'spec.trafficPolicy.loadBalancer.simple', policy('loadBalancer: {simple: PASSTHROUGH}')],
  ['not-executed', 'spec.trafficPolicy.outlierDetection', policy('outlierDetection: {}')],
  ['duplicate-name', 'spec.subsets[1].name', '{host: a, subsets: [{name: v1}, {name: v1}]}'],
  ['invalid-name', 'spec.subsets[0].name', '{host: a, subsets: [{name: v.1}]}'],
  ['wrong-type', 'spec.subsets[0].labels.version', '{host: a, subsets: [{name: v1, labels: {version: 1}}]}'],
  [
    'selector-wildcard',
    'spec.workloadSelector.matchLabels.app',
    '{host: a, workloadSelector: {matchLabels: {app: "*"}}}',
  ],
  ['empty-selector', 'spec.workloadSelector', '{host: a, workloadSelector: {matchLabels: {}}}'],
  ['invalid-export-to', 'spec.exportTo[0]', '{host: a, workloadSelector: {matchLabels: {app: a}}, exportTo: ["*"]}'],
];

const NOT_EXECUTED_POLICIES: readonly ProblemCase[] = [
  [
    'missing-field',
    'spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize',
    policy('loadBalancer: {consistentHash: {useSourceIp: true, maglev: {}}}'),
  ],
  [
    'maglev-not-prime',
    'spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize',
    policy('loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 10}}}'),
  ],
  ['missing-hash-key', 'spec.trafficPolicy.loadBalancer.consistentHash', policy('loadBalancer: {consistentHash: {}}')],
  [
    'duplicate-name',
    'spec.trafficPolicy.loadBalancer.consistentHash.httpCookie.attributes[1].name',
    policy('loadBalancer: {consistentHash: {httpCookie: {name: a, attributes: [{name: b}, {name: b}]}}}'),
  ],
  ['missing-field', 'spec.trafficPolicy.loadBalancer.warmup.duration', policy('loadBalancer: {warmup: {}}')],
  [
    'locality-weights',
    'spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a/*, to: {b/*: 50}}]}}'),
  ],
  [
    'invalid-locality',
    'spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[1].from',
    policy('loadBalancer: {localityLbSetting: {distribute: [{from: a/*, to: {b: 100}}, {from: a/b, to: {b: 100}}]}}'),
  ],
  [
    'failover-without-outlier-detection',
    'spec.trafficPolicy.loadBalancer.localityLbSetting',
    policy('loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}'),
  ],
  [
    'local-origin-without-split',
    'spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures',
    policy('outlierDetection: {consecutiveLocalOriginFailures: 1}'),
  ],
  ['oneof-conflict', 'spec.trafficPolicy', policy('tunnel: {targetHost: a.b, targetPort: 1}, proxyProtocol: {}')],
  [
    'oneof-conflict',
    'spec.trafficPolicy.tls.privateKey',
    policy('tls: {mode: MUTUAL, credentialName: a, privateKey: b}'),
  ],
  ['missing-field', 'spec.trafficPolicy.tls.privateKey', policy('tls: {mode: MUTUAL, clientCertificate: b}')],
  ['unverified-name', 'spec.trafficPolicy.tls.sni', policy('tls: {mode: SIMPLE, sni: a.example}')],
  [
    'port-policy-drops-tls',
    'spec.trafficPolicy.portLevelSettings[0]',
    policy('tls: {mode: SIMPLE}, portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]'),
  ],
];

/** A Gateway with one server. */
function server(text: string): string {
  return `{selector: {app: gw}, servers: [{${text}}]}`;
}

const HTTP_PORT = 'port: {number: 80, name: http, protocol: HTTP}';

const GATEWAY: readonly ProblemCase[] = [
  ['missing-field', 'spec.servers', '{}'],
  ['missing-field', 'spec.servers[0].hosts', server(`${HTTP_PORT}, hosts: []`)],
  ['null-value', 'spec.servers[0]', '{servers: [null]}'],
  ['short-host', 'spec.servers[0].hosts[0]', server(`${HTTP_PORT}, hosts: [reviews]`)],
  ['invalid-host', 'spec.servers[0].hosts[0]', server(`${HTTP_PORT}, hosts: ["a b/c.d"]`)],
  [
    'unsupported-protocol',
    'spec.servers[0].port.protocol',
    server('port: {number: 80, name: http, protocol: UDP}, hosts: ["*"]'),
  ],
  [
    'target-port-on-gateway',
    'spec.servers[0].port.targetPort',
    server('port: {number: 80, name: http, protocol: HTTP, targetPort: 8080}, hosts: ["*"]'),
  ],
  [
    'tls-on-plaintext',
    'spec.servers[0].tls',
    server('port: {number: 80, name: tcp, protocol: TCP}, hosts: ["*"], tls: {}'),
  ],
  ['tls-on-plaintext', 'spec.servers[0].tls.mode', server(`${HTTP_PORT}, hosts: ["*"], tls: {mode: SIMPLE}`)],
  ['missing-field', 'spec.servers[0].tls', server('port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"]')],
  [
    'conflicting-certificates',
    'spec.servers[0].tls',
    server(
      'port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: a, serverCertificate: b}',
    ),
  ],
  [
    'tls-versions',
    'spec.servers[0].tls.minProtocolVersion',
    server(
      'port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: a, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2}',
    ),
  ],
  [
    'tls-old-version',
    'spec.servers[0].tls.minProtocolVersion',
    server(
      'port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialName: a, minProtocolVersion: TLSV1_0}',
    ),
  ],
  [
    'too-many',
    'spec.servers[0].tls.credentialNames',
    server(
      'port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: SIMPLE, credentialNames: [a, b, c]}',
    ),
  ],
  [
    'not-executed',
    'spec.servers[0].tls.mode',
    server('port: {number: 443, name: tls, protocol: TLS}, hosts: ["*"], tls: {mode: AUTO_PASSTHROUGH}'),
  ],
  ['no-effect', 'spec.servers[0].defaultEndpoint', server(`${HTTP_PORT}, hosts: ["*"], defaultEndpoint: x`)],
  ['invalid-address', 'spec.servers[0].bind', server(`${HTTP_PORT}, hosts: ["*"], bind: nowhere`)],
  [
    'duplicate-name',
    'spec.servers[1].port.name',
    `{servers: [{${HTTP_PORT}, hosts: ["*"]}, {${HTTP_PORT}, hosts: ["*"]}]}`,
  ],
];

const PORT = 'ports: [{number: 80, name: http, protocol: HTTP}]';

const SERVICE_ENTRY: readonly ProblemCase[] = [
  ['missing-field', 'spec.hosts', `{${PORT}, resolution: DNS}`],
  ['invalid-host', 'spec.hosts[0]', `{hosts: ["*"], ${PORT}, resolution: STATIC}`],
  ['partial-wildcard', 'spec.hosts[0]', `{hosts: ["*foo.example"], ${PORT}, resolution: STATIC}`],
  [
    'duplicate-port',
    'spec.ports[1].number',
    '{hosts: [a.b], resolution: DNS, ports: [{number: 80, name: a}, {number: 80, name: b}]}',
  ],
  [
    'duplicate-name',
    'spec.ports[1].name',
    '{hosts: [a.b], resolution: DNS, ports: [{number: 80, name: a}, {number: 81, name: a}]}',
  ],
  [
    'unsupported-protocol',
    'spec.ports[0].protocol',
    '{hosts: [a.b], resolution: DNS, ports: [{number: 80, name: a, protocol: SMTP}]}',
  ],
  [
    'hosts-share-tcp-port',
    'spec.ports[0]',
    '{hosts: [a.b, c.d], resolution: DNS, ports: [{number: 80, name: a, protocol: TCP}]}',
  ],
  ['invalid-address', 'spec.addresses[0]', `{hosts: [a.b], ${PORT}, resolution: STATIC, addresses: [x]}`],
  ['address-with-resolution', 'spec.addresses[0]', `{hosts: [a.b], ${PORT}, resolution: DNS, addresses: [10.0.0.0/8]}`],
  [
    'address-with-resolution',
    'spec.endpoints[0].address',
    `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [{address: c.d}]}`,
  ],
  ['endpoints-with-resolution', 'spec.endpoints', `{hosts: [a.b], ${PORT}, endpoints: [{address: 10.0.0.1}]}`],
  [
    'endpoints-with-resolution',
    'spec.endpoints',
    `{hosts: [a.b], ${PORT}, resolution: DNS_ROUND_ROBIN, endpoints: [{address: a.a}, {address: b.b}]}`,
  ],
  ['wildcard-with-dns', 'spec.resolution', `{hosts: ["*.b"], ${PORT}, resolution: DNS}`],
  [
    'oneof-conflict',
    'spec.workloadSelector',
    `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [], workloadSelector: {labels: {a: b}}}`,
  ],
  [
    'unknown-port-name',
    'spec.endpoints[0].ports.grpc',
    `{hosts: [a.b], ${PORT}, resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {grpc: 1}}]}`,
  ],
];

const NETWORK_ENTRY: readonly ProblemCase[] = [['network-without-address', 'spec', '{network: n1}']];

const WORKLOAD_ENTRY: readonly ProblemCase[] = [
  ['missing-field', 'spec.address', '{}'],
  ['invalid-address', 'spec.address', '{address: "a b"}'],
  ['ports-with-unix', 'spec.ports', '{address: "unix:///a", ports: {http: 80}}'],
  ['out-of-range', 'spec.ports.http', '{address: 10.0.0.1, ports: {http: 0}}'],
];

const EGRESS = 'egress: [{hosts: ["*/*"]}]';

const SIDECAR: readonly ProblemCase[] = [
  ['missing-field', 'spec', '{}'],
  ['empty-selector', 'spec.workloadSelector', `{workloadSelector: {}, ${EGRESS}}`],
  ['missing-field', 'spec.egress[0].hosts', '{egress: [{}]}'],
  ['invalid-host', 'spec.egress[0].hosts[0]', '{egress: [{hosts: [reviews.prod.svc.cluster.local]}]}'],
  ['invalid-host', 'spec.egress[0].hosts[0]', '{egress: [{hosts: ["a b/*"]}]}'],
  ['short-host', 'spec.egress[0].hosts[0]', '{egress: [{hosts: ["prod/reviews"]}]}'],
  ['conflicting-egress', 'spec.egress[0]', '{egress: [{hosts: ["*/*"]}, {hosts: ["./*"]}]}'],
  [
    'duplicate-port',
    'spec.egress[1].port.number',
    '{egress: [{port: {number: 80}, hosts: ["./*"]}, {port: {number: 80}, hosts: ["a/*"]}]}',
  ],
  [
    'conflicting-egress',
    'spec.outboundTrafficPolicy.egressProxy',
    '{outboundTrafficPolicy: {egressProxy: {host: a.b, port: {number: 80}}}}',
  ],
];

const SIDECAR_INGRESS: readonly ProblemCase[] = [
  [
    'duplicate-port',
    'spec.ingress[1].port.number',
    '{ingress: [{port: {number: 80}, defaultEndpoint: "127.0.0.1:1"}, {port: {number: 80}}]}',
  ],
  [
    'invalid-address',
    'spec.ingress[0].defaultEndpoint',
    '{ingress: [{port: {number: 80}, defaultEndpoint: "10.0.0.1:1"}]}',
  ],
];

const WORKLOAD_GROUP: readonly ProblemCase[] = [
  ['missing-field', 'spec.template', '{probe: {tcpSocket: {port: 1}}}'],
  ['missing-field', 'spec.probe', '{template: {}, probe: {periodSeconds: 1}}'],
  ['out-of-range', 'spec.probe.periodSeconds', '{template: {}, probe: {periodSeconds: -1, tcpSocket: {port: 1}}}'],
  ['oneof-conflict', 'spec.probe', '{template: {}, probe: {grpc: {port: 1}, tcpSocket: {port: 1}}}'],
  [
    'invalid-header-name',
    'spec.probe.httpGet.httpHeaders[0].name',
    '{template: {}, probe: {httpGet: {port: 1, httpHeaders: [{name: "a b"}]}}}',
  ],
  ['not-executed', 'spec.probe.exec', '{template: {}, probe: {exec: {command: [a]}}}'],
];

const SERVICE: readonly ProblemCase[] = [
  ['missing-field', 'spec.ports[0].port', '{ports: [{name: http}]}'],
  ['invalid-enum', 'spec.type', '{type: Sometimes}'],
];

describeCases('DestinationRule', 'alone', DESTINATION_RULE);
describeCases('DestinationRule', 'among-warnings', NOT_EXECUTED_POLICIES);
describeCases('Gateway', 'among-warnings', GATEWAY);
describeCases('ServiceEntry', 'among-warnings', SERVICE_ENTRY);
describeCases('WorkloadEntry', 'alone', WORKLOAD_ENTRY);
describeCases('WorkloadEntry', 'among-warnings', NETWORK_ENTRY);
describeCases('Sidecar', 'alone', SIDECAR);
describeCases('Sidecar', 'among-warnings', SIDECAR_INGRESS);
describeCases('WorkloadGroup', 'alone', WORKLOAD_GROUP);
describeCases('Service', 'alone', SERVICE);

describe('the metadata', () => {
  it('must give a Gateway a name without dots', () => {
    const text = `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a.b}\nspec: ${server(`${HTTP_PORT}, hosts: ["*"]`)}\n`;
    expect(loadTexts([{ file: 'a', text }]).problems).toMatchObject([{ code: 'invalid-name' }]);
  });

  it('must not carry the dry-run annotation', () => {
    const metadata = '{name: a, annotations: {istio.io/dry-run: "true"}}';
    const text = `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: ${metadata}\nspec: {host: a}\n`;
    expect(loadTexts([{ file: 'a', text }]).problems).toMatchObject([
      { code: 'reserved-annotation', path: 'metadata.annotations["istio.io/dry-run"]' },
    ]);
  });
});

describe('a probe as an annotation', () => {
  const load = (value: string): string[] => {
    const metadata = `{name: a, annotations: {proxy.weft/probe: '${value}'}}`;
    const text = `apiVersion: v1\nkind: Service\nmetadata: ${metadata}\nspec: {ports: [{port: 80}]}\n`;
    return loadTexts([{ file: 'a', text }]).problems.map(({ code, path }) => `${code} ${path}`);
  };

  it('must be JSON of a probe', () => {
    expect(load('{"tcpSocket": {"port": 80}}')).toEqual([]);
    expect(load('tcp')).toEqual(['invalid-annotation metadata.annotations["proxy.weft/probe"]']);
    expect(load('{"tcpSocket": {}}')).toEqual([
      'missing-field metadata.annotations["proxy.weft/probe"].tcpSocket.port',
    ]);
  });
});

describe('hints', () => {
  it('list what an enumeration allows', () => {
    const [problem] = loadSpec('DestinationRule', policy('loadBalancer: {simple: ROUNDROBIN}')).problems;
    expect(problem?.hint).toBe(
      'Did you mean "ROUND_ROBIN"? Allowed: UNSPECIFIED, ROUND_ROBIN, LEAST_REQUEST, LEAST_CONN, RANDOM, PASSTHROUGH.',
    );
  });

  it('tell to quote what YAML takes for a number', () => {
    const [problem] = loadSpec('DestinationRule', '{host: a, subsets: [{name: v1, labels: {version: 1}}]}').problems;
    expect(problem?.hint).toBe('Put it in quotes: "1".');
  });
});
