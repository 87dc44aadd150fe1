// SPDX-License-Identifier: Apache-2.0
/**
 * One finished request -> one access-log line, in Istio's default text format or with Istio's default JSON keys.
 *
 * Envoy writes header values into text lines as they came. Here whatever could end a line, a quoted item or an unquoted
 * item early is escaped, so that a request cannot forge a line or shift the columns of its own.
 */

/** The 22 items of Istio's default format. An absent or empty item prints `-` (text) or null (JSON). */
export interface AccessLogEntry {
  /** Start of the request, whole ms since 1970 UTC. */
  readonly startTimeMs: number;
  readonly method?: string | undefined;
  /** `x-envoy-original-path` where a rewrite set it, else `:path`; with the query. */
  readonly path?: string | undefined;
  /** `HTTP/1.1`, `HTTP/2`, `HTTP/1.0`. */
  readonly protocol?: string | undefined;
  /** 0 = no response was sent. */
  readonly responseCode: number;
  /** Envoy's letters, see formatResponseFlags. */
  readonly responseFlags: string;
  readonly responseCodeDetails?: string | undefined;
  readonly connectionTerminationDetails?: string | undefined;
  readonly upstreamTransportFailureReason?: string | undefined;
  /** Body bytes. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly durationMs: number;
  /** `x-envoy-upstream-service-time` of the response. */
  readonly upstreamServiceTimeMs?: number | undefined;
  readonly forwardedFor?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly requestId?: string | undefined;
  readonly authority?: string | undefined;
  /** `ip:port`. */
  readonly upstreamHost?: string | undefined;
  readonly upstreamCluster?: string | undefined;
  readonly upstreamLocalAddress?: string | undefined;
  readonly downstreamLocalAddress?: string | undefined;
  readonly downstreamRemoteAddress?: string | undefined;
  /** SNI. */
  readonly requestedServerName?: string | undefined;
  readonly routeName?: string | undefined;
}

/** C0 and C1 controls, DEL, and the two Unicode line ends: all of what some viewer takes for a line end or a command. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const UNSAFE_ALL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const NEEDS_ESCAPE = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const ESCAPED_ALL = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

function escapeCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** For an item between quotes. */
function quoted(value: string | undefined): string {
  if (value === undefined || value === '') return '-';
  return NEEDS_ESCAPE.test(value) ? value.replace(ESCAPED_ALL, escapeCharacter) : value;
}

/** For an item that stands alone: blanks become `_`, as Envoy does with its response code details. */
function bare(value: string | undefined): string {
  const text = quoted(value);
  return text.includes(' ') ? text.replaceAll(' ', '_') : text;
}

let second = -1;
let secondText = '';

/** ISO 8601 in UTC with milliseconds; the date part is made once a second, since lines come in order of their end. */
function timeOf(ms: number): string {
  const whole = Math.floor(ms / 1000);
  if (whole !== second) {
    second = whole;
    secondText = new Date(whole * 1000).toISOString().slice(0, -4);
  }
  return `${secondText}${String(ms - whole * 1000).padStart(3, '0')}Z`;
}

/** JSON.stringify leaves DEL, C1 controls and the Unicode line ends as they are. */
function json(value: string | undefined): string {
  if (value === undefined || value === '') return 'null';
  const text = JSON.stringify(value);
  return UNSAFE.test(text) ? text.replace(UNSAFE_ALL, escapeCharacter) : text;
}

/**
 * Istio's default text format (meshConfig.accessLogFormat empty), with the line end.
 *
 * Shape: `[start] "method path protocol" code flags details termination "failure" received sent duration service-time
 * "xff" "agent" "request id" "authority" "host" cluster local downstream-local downstream-remote sni route`.
 */
export function formatText(entry: AccessLogEntry): string {
  return (
    `[${timeOf(entry.startTimeMs)}] ` +
    `"${bare(entry.method)} ${bare(entry.path)} ${bare(entry.protocol)}" ` +
    `${entry.responseCode} ${bare(entry.responseFlags)} ${bare(entry.responseCodeDetails)} ` +
    `${bare(entry.connectionTerminationDetails)} "${quoted(entry.upstreamTransportFailureReason)}" ` +
    `${entry.bytesReceived} ${entry.bytesSent} ${Math.round(entry.durationMs)} ` +
    `${entry.upstreamServiceTimeMs === undefined ? '-' : Math.round(entry.upstreamServiceTimeMs)} ` +
    `"${quoted(entry.forwardedFor)}" "${quoted(entry.userAgent)}" "${quoted(entry.requestId)}" ` +
    `"${quoted(entry.authority)}" "${quoted(entry.upstreamHost)}" ${bare(entry.upstreamCluster)} ` +
    `${bare(entry.upstreamLocalAddress)} ${bare(entry.downstreamLocalAddress)} ` +
    `${bare(entry.downstreamRemoteAddress)} ${bare(entry.requestedServerName)} ${bare(entry.routeName)}\n`
  );
}

/**
 * One JSON object on one line, with the line end. Keys are those of Istio's default JSON format, in a fixed order; codes,
 * byte counts and times are numbers. Flags stay `-` when there are none, as Envoy's operator prints them.
 */
export function formatJson(entry: AccessLogEntry): string {
  return (
    `{"start_time":"${timeOf(entry.startTimeMs)}"` +
    `,"method":${json(entry.method)},"path":${json(entry.path)},"protocol":${json(entry.protocol)}` +
    `,"response_code":${entry.responseCode},"response_flags":${json(entry.responseFlags)}` +
    `,"response_code_details":${json(entry.responseCodeDetails)}` +
    `,"connection_termination_details":${json(entry.connectionTerminationDetails)}` +
    `,"upstream_transport_failure_reason":${json(entry.upstreamTransportFailureReason)}` +
    `,"bytes_received":${entry.bytesReceived},"bytes_sent":${entry.bytesSent}` +
    `,"duration":${Math.round(entry.durationMs)}` +
    `,"upstream_service_time":${entry.upstreamServiceTimeMs === undefined ? 'null' : Math.round(entry.upstreamServiceTimeMs)}` +
    `,"x_forwarded_for":${json(entry.forwardedFor)},"user_agent":${json(entry.userAgent)}` +
    `,"request_id":${json(entry.requestId)},"authority":${json(entry.authority)}` +
    `,"upstream_host":${json(entry.upstreamHost)},"upstream_cluster":${json(entry.upstreamCluster)}` +
    `,"upstream_local_address":${json(entry.upstreamLocalAddress)}` +
    `,"downstream_local_address":${json(entry.downstreamLocalAddress)}` +
    `,"downstream_remote_address":${json(entry.downstreamRemoteAddress)}` +
    `,"requested_server_name":${json(entry.requestedServerName)},"route_name":${json(entry.routeName)}}\n`
  );
}
