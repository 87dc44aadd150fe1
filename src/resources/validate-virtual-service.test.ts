// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { describeCases, loadSpec } from '../../test/support/problem-cases.js';
import type { ProblemCase } from '../../test/support/problem-cases.js';

const ROUTE = 'route: [{destination: {host: a}}]';

/** A VirtualService with one rule. */
function rule(text: string): string {
  return `{hosts: [a], http: [{${text}}]}`;
}

/** A rule with a route and one match block. */
function block(text: string): string {
  return rule(`match: [{${text}}], ${ROUTE}`);
}

const VIRTUAL_SERVICE: readonly ProblemCase[] = [
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
const NOT_EXECUTED_PARTS: readonly ProblemCase[] = [
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

describeCases('VirtualService', 'alone', VIRTUAL_SERVICE);
describeCases('VirtualService', 'among-warnings', NOT_EXECUTED_PARTS);

describe('hints', () => {
  it('name the nearest known field', () => {
    const [problem] = loadSpec('VirtualService', rule(`${ROUTE}, timeuot: 1s`)).problems;
    expect(problem?.hint).toBe('Did you mean "timeout"?');
  });
});

describe('one resource with several faults', () => {
  it('reports all of them in one run', () => {
    const { problems } = loadSpec(
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

describe('a rule that delegates', () => {
  it('hides no rule behind it, because its delegate may leave requests to them', () => {
    const { problems } = loadSpec(
      'VirtualService',
      `{hosts: [a], http: [{delegate: {name: d}}, {match: [{uri: {prefix: /a}}], delegate: {name: e}}, {match: [{uri: {prefix: /a}}], ${ROUTE}}]}`,
    );
    expect(problems).toEqual([]);
  });
});
