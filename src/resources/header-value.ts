// SPDX-License-Identifier: Apache-2.0
/**
 * A header value of a resource -> whether it is well formed, by Envoy's rules for custom headers: `%%` is a percent sign,
 * `%NAME%`, `%NAME(argument)%` and `%NAME(argument):length%` are operators, and a lone `%` is an error.
 */

/** The operators that Weft executes: facts of the exchange, and headers of the request and the response. */
const EXECUTED: ReadonlySet<string> = new Set(
  (
    'REQ RESP DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS ' +
    'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT UPSTREAM_REMOTE_ADDRESS UPSTREAM_CLUSTER PROTOCOL ' +
    'START_TIME HOSTNAME ROUTE_NAME RESPONSE_CODE'
  ).split(' '),
);

/** Names and families of the other operators in Envoy's access log documentation, which header values share. */
const OTHER_ENVOY_OPERATOR =
  /^(?:DOWNSTREAM|UPSTREAM|RESPONSE|REQUEST|REQUESTED|BYTES|CONNECTION|GRPC|TRACE|DYNAMIC|FILTER|VIRTUAL|ENVIRONMENT|METADATA|TRAILER|DURATION|COMMON_DURATION|EMIT_TIME|STREAM_ID|UNIQUE_ID|COALESCE|ACCESS_LOG_TYPE|PER_REQUEST_STATE|PATH|QUERY_PARAM|QUERY_PARAMS|HOST)(?:_[A-Z0-9_]+)?$/;

export interface HeaderOperators {
  /** Why Envoy would refuse the value. */
  readonly fault?: string;
  /** Operators that Envoy knows and Weft does not execute yet. */
  readonly notExecuted: readonly string[];
  /** Operators that nobody knows. */
  readonly unknown: readonly string[];
}

/** Reads the operators of a value. */
export function inspectHeaderValue(value: string): HeaderOperators {
  const notExecuted: string[] = [];
  const unknown: string[] = [];
  if ([...value].some(isControl)) return { fault: 'has a control character', notExecuted, unknown };
  // Made per call: a sticky expression carries its position.
  const operator = /%(?:%|([A-Z][A-Z0-9_]*)(?:\([^)]*\))?(?::\d+)?%)/y;
  for (let at = value.indexOf('%'); at >= 0; at = value.indexOf('%', operator.lastIndex)) {
    operator.lastIndex = at;
    const found = operator.exec(value);
    if (found === null) return { fault: 'header value contains an unterminated % operator', notExecuted, unknown };
    const name = found[1];
    if (name === undefined || EXECUTED.has(name)) continue;
    if (OTHER_ENVOY_OPERATOR.test(name)) notExecuted.push(name);
    else unknown.push(name);
  }
  return { notExecuted, unknown };
}

/** RFC 9110 section 5.5: a field value holds no control character but the tab. */
function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return (code < 0x20 && code !== 0x09) || code === 0x7f;
}
