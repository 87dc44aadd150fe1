// SPDX-License-Identifier: Apache-2.0
/** One resource per code: what must be refused or warned about, and at which field. The codes of references are elsewhere. */
import { describe, expect, it } from 'vitest';
import { loadTexts } from './load-resources.js';
import { PROBLEM_CODES } from './problem-codes.js';
import type { ProblemCode } from './problem-codes.js';

type Case = readonly [code: ProblemCode, path: string, spec: string];

const ROUTE = 'route: [{destination: {host: a}}]';

/** A VirtualService with one rule. */
function rule(text: string): string {
  return `{hosts: [a], http: [{${text}}]}`;
}

/** A rule with a route and one match block. */
function block(text: string): string {
  return rule(`match: [{${text}}], ${ROUTE}`);
}

const VIRTUAL_SERVICE: readonly Case[] = [
  ['unknown-field', 'spec.http[0].timeuot', rule(`${ROUTE}, timeuot: 1s`)],
  ['unknown-field', 'spec.host', `{hosts: [a], host: a, http: [{${ROUTE}}]}`],
  ['wrong-type', 'spec.http[0].timeout', rule(`${ROUTE}, timeout: 5`)],
  ['wrong-type', 'spec.http', '{hosts: [a], http: {route: []}}'],
  ['wrong-type', 'spec.http[0].route[0].weight', rule('route: [{destination: {host: a}, weight: 1.5}]')],
  ['wrong-type', 'spec.http[0].match[0].ignoreUriCase', block('uri: {prefix: /a}, ignoreUriCase: "yes"')],
  ['null-value', 'spec.http[0]', '{hosts: [a], http: [null]}'],
  ['null-value', 'spec.http[0].match[0].headers.x', block('headers: {x: null}')],
  ['missing-field', 'spec.http[0].route[0].destination', rule('route: [{weight: 1}]')],
  ['missing-field', 'spec.http[0].route[0].destination.host', rule('route: [{destination: {subset: v1}}]')],
  ['missing-field', 'spec.http[0].route[0].destination.port', rule('route: [{destination: {host: a, port: {}}}]')],
  ['empty-value', 'spec.http[0].match[0].method.prefix', block('method: {prefix: ""}')],
  ['empty-value', 'spec.http[0].match[0].headers.x.prefix', block('headers: {x: {prefix: ""}}')],
  [
    'out-of-range',
    'spec.http[0].route[0].destination.port.number',
    rule('route: [{destination: {host: a, port: {number: 0}}}]'),
  ],
  ['out-of-range', 'spec.http[0].match[0].port', block('port: 70000')],
  ['out-of-range', 'spec.http[0].route[0].weight', rule('route: [{destination: {host: a}, weight: -1}]')],
  ['oneof-conflict', 'spec.http[0].match[0].uri', block('uri: {exact: /a, prefix: /b}')],
  ['oneof-conflict', 'spec.http[0].redirect', rule('redirect: {uri: /a, prefixRewrite: /b}')],
  ['oneof-conflict', 'spec.http[0].redirect', rule('redirect: {port: 80, derivePort: FROM_REQUEST_PORT}')],
  [
    'oneof-conflict',
    'spec.http[0].rewrite',
    rule(`${ROUTE}, rewrite: {uri: /a, uriRegexRewrite: {match: a, rewrite: b}}`),
  ],
  ['invalid-duration', 'spec.http[0].timeout', rule(`${ROUTE}, timeout: 0s`)],
  ['invalid-duration', 'spec.http[0].timeout', rule(`${ROUTE}, timeout: 1.0001s`)],
  ['invalid-duration', 'spec.http[0].timeout', rule(`${ROUTE}, timeout: soon`)],
  ['invalid-name', 'spec.http[0].route[0].destination.subset', rule('route: [{destination: {host: a, subset: v_1}}]')],
  ['invalid-host', 'spec.hosts[0]', `{hosts: [a_b], http: [{${ROUTE}}]}`],
  ['invalid-host', 'spec.hosts[0]', `{hosts: ["a.*.b"], http: [{${ROUTE}}]}`],
  ['invalid-host', 'spec.http[0].route[0].destination.host', rule('route: [{destination: {host: "*"}}]')],
  ['invalid-label', 'spec.http[0].match[0].sourceLabels.app', block('sourceLabels: {app: "a b"}')],
  ['invalid-regex', 'spec.http[0].match[0].uri.regex', block('uri: {regex: "(?=a)"}')],
  ['invalid-regex', 'spec.http[0].match[0].uri.regex', block('uri: {regex: ""}')],
  ['invalid-regex', 'spec.http[0].match[0].uri.regex', block(`uri: {regex: "${'a'.repeat(1025)}"}`)],
  ['invalid-header-name', 'spec.http[0].match[0].headers["a b"]', block('headers: {"a b": {}}')],
  [
    'invalid-header-name',
    'spec.http[0].headers.request.set["a b"]',
    rule(`${ROUTE}, headers: {request: {set: {"a b": c}}}`),
  ],
  [
    'invalid-header-value',
    'spec.http[0].headers.response.add.x',
    rule(`${ROUTE}, headers: {response: {add: {x: "50%"}}}`),
  ],
  [
    'invalid-header-value',
    'spec.http[0].headers.request.set.x',
    rule(`${ROUTE}, headers: {request: {set: {x: "a\\nb"}}}`),
  ],
  [
    'unknown-header-operator',
    'spec.http[0].headers.request.set.x',
    rule(`${ROUTE}, headers: {request: {set: {x: "%NO_SUCH%"}}}`),
  ],
  [
    'not-executed',
    'spec.http[0].headers.request.set.x',
    rule(`${ROUTE}, headers: {request: {set: {x: "%ENVIRONMENT(A)%"}}}`),
  ],
  ['not-executed', 'spec.http[0].retries', rule(`${ROUTE}, retries: {attempts: 3}`)],
  ['not-executed', 'spec.http[0].corsPolicy', rule(`${ROUTE}, corsPolicy: {allowOrigins: [{exact: "https://a"}]}`)],
  ['not-executed', 'spec.hosts', `{http: [{${ROUTE}}]}`],
  [
    'invalid-base64',
    'spec.http[0].directResponse.body.bytes',
    rule('directResponse: {status: 200, body: {bytes: "%%"}}'),
  ],
  [
    'body-too-large',
    'spec.http[0].directResponse.body',
    rule(`directResponse: {status: 200, body: {string: "${'x'.repeat(1024 * 1024 + 1)}"}}`),
  ],
  [
    'body-large',
    'spec.http[0].directResponse.body',
    rule(`directResponse: {status: 200, body: {string: "${'x'.repeat(100 * 1024 + 1)}"}}`),
  ],
  [
    'deprecated-field',
    'spec.http[0].fault.delay.percent',
    rule(`${ROUTE}, fault: {delay: {fixedDelay: 1s, percent: 10}}`),
  ],
  ['ignored-field', 'spec.http[0].timeout', rule('redirect: {uri: /a}, timeout: 1s')],
  ['ignored-field', 'spec.http[0].match[0].sourceLabels', block('gateways: [mesh], sourceLabels: {a: b}')],
  ['invalid-export-to', 'spec.exportTo[0]', `{hosts: [a], exportTo: ["~"], http: [{${ROUTE}}]}`],
  ['invalid-export-to', 'spec.exportTo[1]', `{hosts: [a], exportTo: [b, "*"], http: [{${ROUTE}}]}`],
  ['duplicate-export-to', 'spec.exportTo[1]', `{hosts: [a], exportTo: [".", default], http: [{${ROUTE}}]}`],
  ['missing-route-section', 'spec', '{hosts: [a]}'],
  ['duplicate-hosts', 'spec.hosts[1]', `{hosts: ["*.a.example", b.a.example], http: [{${ROUTE}}]}`],
  ['duplicate-hosts', 'spec.hosts[1]', `{hosts: [b.a.example, "*.example"], http: [{${ROUTE}}]}`],
  ['wildcard-host-on-mesh', 'spec.hosts[0]', `{hosts: ["*"], http: [{${ROUTE}}]}`],
  ['invalid-gateway-name', 'spec.gateways[0]', `{hosts: [a], gateways: [a/b/c], http: [{${ROUTE}}]}`],
  ['legacy-gateway-name', 'spec.gateways[0]', `{hosts: [a], gateways: [gw.ns.svc.cluster.local], http: [{${ROUTE}}]}`],
  ['missing-action', 'spec.http[0]', rule('name: x')],
  ['missing-action', 'spec.http[0]', rule('route: []')],
  ['conflicting-actions', 'spec.http[0].route', rule(`${ROUTE}, redirect: {uri: /a}`)],
  [
    'conflicting-actions',
    'spec.http[0].fault',
    rule('redirect: {uri: /a}, fault: {abort: {httpStatus: 500, percentage: {value: 1}}}'),
  ],
  ['conflicting-actions', 'spec.http[0].rewrite', rule('directResponse: {status: 200}, rewrite: {uri: /}')],
  [
    'zero-total-weight',
    'spec.http[0].route',
    rule('route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]'),
  ],
  ['empty-match', 'spec.http[0].match[0].method', block('method: {}')],
  ['presence-regex', 'spec.http[0].match[0].headers.x.regex', block('headers: {x: {regex: "*"}}')],
  ['plain-pseudo-header', 'spec.http[0].match[0].headers.method', block('headers: {method: {exact: GET}}')],
  ['unreachable-rule', 'spec.http[1]', `{hosts: [a], http: [{${ROUTE}}, {match: [{uri: {exact: /a}}], ${ROUTE}}]}`],
  ['unreachable-match', 'spec.http[0].match[1]', rule(`match: [{uri: {prefix: /a}}, {uri: {prefix: /a/b}}], ${ROUTE}`)],
  [
    'unreachable-match',
    'spec.http[0].match[1]',
    rule(`match: [{uri: {regex: "/a.*"}, port: 80}, {port: 80, uri: {regex: "/a.*"}}], ${ROUTE}`),
  ],
  ['unreachable-match', 'spec.http[0].match[1]', rule(`match: [{uri: {prefix: /}}, {headers: {x: {}}}], ${ROUTE}`)],
  ['empty-redirect', 'spec.http[0].redirect', rule('redirect: {redirectCode: 302}')],
  ['unsupported-redirect-code', 'spec.http[0].redirect.redirectCode', rule('redirect: {uri: /a, redirectCode: 304}')],
  [
    'prefix-rewrite-without-prefix',
    'spec.http[0].match[0].uri',
    rule('match: [{uri: {exact: /a}}], redirect: {prefixRewrite: /b}'),
  ],
  ['invalid-enum', 'spec.http[0].redirect.scheme', rule('redirect: {scheme: ftp}')],
  ['empty-rewrite', 'spec.http[0].rewrite', rule(`${ROUTE}, rewrite: {}`)],
  ['reserved-header', 'spec.http[0].headers.request.remove[0]', rule(`${ROUTE}, headers: {request: {remove: [Host]}}`)],
  [
    'reserved-header',
    'spec.http[0].headers.request.set[":path"]',
    rule(`${ROUTE}, headers: {request: {set: {":path": /}}}`),
  ],
  [
    'reserved-header',
    'spec.http[0].headers.response.set.host',
    rule(`${ROUTE}, headers: {response: {set: {host: a}}}`),
  ],
  [
    'authority-conflict',
    'spec.http[0]',
    rule(`${ROUTE}, headers: {request: {set: {host: x}}}, rewrite: {authority: y}`),
  ],
  ['empty-fault', 'spec.http[0].fault', rule(`${ROUTE}, fault: {}`)],
  [
    'unsupported-fault',
    'spec.http[0].fault.abort.http2Error',
    rule(`${ROUTE}, fault: {abort: {http2Error: X, percentage: {value: 1}}}`),
  ],
  ['fault-without-percentage', 'spec.http[0].fault.abort', rule(`${ROUTE}, fault: {abort: {httpStatus: 503}}`)],
  ['abort-without-status', 'spec.http[0].fault.abort', rule(`${ROUTE}, fault: {abort: {percentage: {value: 1}}}`)],
  [
    'invalid-percent',
    'spec.http[0].fault.abort.percentage.value',
    rule(`${ROUTE}, fault: {abort: {httpStatus: 503, percentage: {value: 0.00001}}}`),
  ],
];

/** Cases in which a part that is not executed yet is validated all the same, so its warning comes along. */
const NOT_EXECUTED_PARTS: readonly Case[] = [
  ['retries-disabled', 'spec.http[0].retries', rule(`${ROUTE}, retries: {attempts: 0, retryOn: 5xx}`)],
  [
    'invalid-retry-condition',
    'spec.http[0].retries.retryOn',
    rule(`${ROUTE}, retries: {attempts: 1, retryOn: sometimes}`),
  ],
  [
    'retry-condition-spaces',
    'spec.http[0].retries.retryOn',
    rule(`${ROUTE}, retries: {attempts: 1, retryOn: "5xx, reset"}`),
  ],
  ['oneof-conflict', 'spec.http[0]', rule(`${ROUTE}, mirror: {host: a}, mirrors: [{destination: {host: b}}]`)],
  [
    'out-of-range',
    'spec.http[0].mirrorPercentage.value',
    rule(`${ROUTE}, mirror: {host: a}, mirrorPercentage: {value: 101}`),
  ],
  ['empty-value', 'spec.http[0].corsPolicy.allowOrigins[0]', rule(`${ROUTE}, corsPolicy: {allowOrigins: [{}]}`)],
  ['invalid-enum', 'spec.http[0].corsPolicy.allowMethods[0]', rule(`${ROUTE}, corsPolicy: {allowMethods: [FETCH]}`)],
  ['invalid-duration', 'spec.http[0].corsPolicy.maxAge', rule(`${ROUTE}, corsPolicy: {maxAge: 1500ms}`)],
  [
    'cors-without-preflight',
    'spec.http[0].corsPolicy',
    rule(`match: [{method: {exact: GET}}], ${ROUTE}, corsPolicy: {}`),
  ],
  [
    'invalid-enum',
    'spec.http[0].fault.abort.grpcStatus',
    rule(`${ROUTE}, fault: {abort: {grpcStatus: OKAY, percentage: {value: 1}}}`),
  ],
  ['delegate-with-binding', 'spec.gateways', `{gateways: [g], http: [{${ROUTE}}]}`],
  ['nested-delegate', 'spec.http[0].delegate', '{http: [{delegate: {name: a}}]}'],
  [
    'delegate-direct-response',
    'spec.http[0].directResponse',
    rule('delegate: {name: a}, directResponse: {status: 200}'),
  ],
  ['conflicting-actions', 'spec.http[0].route', rule(`delegate: {name: a}, ${ROUTE}`)],
  [
    'claim-on-mesh',
    'spec.http[0].match[0].headers["@request.auth.claims.sub"]',
    block('headers: {"@request.auth.claims.sub": {exact: a}}'),
  ],
  [
    'no-effect',
    'spec.tcp[0].match[0].sourceSubnet',
    `{hosts: [a], tcp: [{match: [{sourceSubnet: 10.0.0.0/8}], ${ROUTE}}]}`,
  ],
  [
    'sni-host-not-covered',
    'spec.tls[0].match[0].sniHosts[0]',
    `{hosts: [a.example], tls: [{match: [{sniHosts: [b.example]}], ${ROUTE}}]}`,
  ],
  [
    'sni-host-is-ip',
    'spec.tls[0].match[0].sniHosts[0]',
    `{hosts: [a.example], tls: [{match: [{sniHosts: [10.0.0.1]}], ${ROUTE}}]}`,
  ],
  ['missing-field', 'spec.tls[0].match', `{hosts: [a.example], tls: [{${ROUTE}}]}`],
  [
    'invalid-address',
    'spec.tcp[0].match[0].destinationSubnets[0]',
    `{hosts: [a], tcp: [{match: [{destinationSubnets: [x]}], ${ROUTE}}]}`,
  ],
];

/** A DestinationRule with a traffic policy. */
function policy(text: string): string {
  return `{host: a, trafficPolicy: {${text}}}`;
}

const DESTINATION_RULE: readonly Case[] = [
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

const NOT_EXECUTED_POLICIES: readonly Case[] = [
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

const GATEWAY: readonly Case[] = [
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
    'spec.servers[0].port.protocol',
    server('port: {number: 80, name: tcp, protocol: TCP}, hosts: ["*"]'),
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

const SERVICE_ENTRY: readonly Case[] = [
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
  ['not-executed', 'spec.resolution', `{hosts: [a.b], ${PORT}, resolution: NONE}`],
];

const WORKLOAD_ENTRY: readonly Case[] = [
  ['missing-field', 'spec.address', '{}'],
  ['invalid-address', 'spec.address', '{address: "a b"}'],
  ['ports-with-unix', 'spec.ports', '{address: "unix:///a", ports: {http: 80}}'],
  ['out-of-range', 'spec.ports.http', '{address: 10.0.0.1, ports: {http: 0}}'],
];

const SERVICE: readonly Case[] = [
  ['missing-field', 'spec.ports[0].port', '{ports: [{name: http}]}'],
  ['invalid-enum', 'spec.type', '{type: Sometimes}'],
];

function load(kind: string, spec: string): ReturnType<typeof loadTexts> {
  const apiVersion = kind === 'Service' ? 'v1' : 'networking.istio.io/v1';
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: it}\nspec: ${spec}\n`;
  return loadTexts([{ file: 'it.yaml', text }]);
}

const GROUPS: readonly (readonly [kind: string, cases: readonly Case[], expectation: 'alone' | 'among-warnings'])[] = [
  ['VirtualService', VIRTUAL_SERVICE, 'alone'],
  ['VirtualService', NOT_EXECUTED_PARTS, 'among-warnings'],
  ['DestinationRule', DESTINATION_RULE, 'alone'],
  ['DestinationRule', NOT_EXECUTED_POLICIES, 'among-warnings'],
  ['Gateway', GATEWAY, 'among-warnings'],
  ['ServiceEntry', SERVICE_ENTRY, 'among-warnings'],
  ['WorkloadEntry', WORKLOAD_ENTRY, 'alone'],
  ['Service', SERVICE, 'alone'],
];

const ADDITIONS: readonly Case[] = [['network-without-address', 'spec', '{network: n1}']];

describe.each(GROUPS)('%s', (kind, cases, expectation) => {
  it.each(cases)('reports %s at %s', (code, path, spec) => {
    const { resources, problems } = load(kind, spec);
    expect(problems.map((problem) => [problem.code, problem.path])).toContainEqual([code, path]);
    const { severity } = PROBLEM_CODES[code];
    const others = problems.filter((problem) => problem.code !== code);
    if (expectation === 'alone') expect(others).toEqual([]);
    else expect(others.filter((problem) => problem.severity === 'error')).toEqual([]);
    expect(resources).toHaveLength(severity === 'error' ? 0 : 1);
    for (const problem of problems) expect(problem.position).toMatchObject({ file: 'it.yaml', line: 4 });
  });
});

describe('WorkloadEntry of another network', () => {
  it.each(ADDITIONS)('reports %s at %s', (code, path, spec) => {
    const found = load('WorkloadEntry', spec).problems.map((problem) => [problem.code, problem.path]);
    expect(found).toContainEqual([code, path]);
  });
});

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

describe('hints', () => {
  it('name the nearest known field', () => {
    const [problem] = load('VirtualService', rule(`${ROUTE}, timeuot: 1s`)).problems;
    expect(problem?.hint).toBe('Did you mean "timeout"?');
  });

  it('list what an enumeration allows', () => {
    const [problem] = load('DestinationRule', policy('loadBalancer: {simple: ROUNDROBIN}')).problems;
    expect(problem?.hint).toBe(
      'Did you mean "ROUND_ROBIN"? Allowed: UNSPECIFIED, ROUND_ROBIN, LEAST_REQUEST, LEAST_CONN, RANDOM, PASSTHROUGH.',
    );
  });

  it('tell to quote what YAML takes for a number', () => {
    const [problem] = load('DestinationRule', '{host: a, subsets: [{name: v1, labels: {version: 1}}]}').problems;
    expect(problem?.hint).toBe('Put it in quotes: "1".');
  });
});

describe('one resource with several faults', () => {
  it('reports all of them in one run', () => {
    const { problems } = load(
      'VirtualService',
      '{hosts: [a_b], http: [{timeout: 0s}, {route: [{destination: {host: "*"}}]}]}',
    );
    expect(problems.map((problem) => problem.code).sort()).toEqual([
      'invalid-duration',
      'invalid-host',
      'invalid-host',
      'missing-action',
      'unreachable-rule',
    ]);
  });
});
