// SPDX-License-Identifier: Apache-2.0
/** A route's action -> the first half of its record: weighted clusters, header operations, rewrite, retry, fault. */
import * as layout from '../../assembly/layout.js';
import type {
  CorsPolicy,
  ForwardAction,
  HeaderOp,
  PathMatch,
  RetryCondition,
  RouteAction,
  TemplateFact,
  TemplatePart,
} from '../model/model.js';
import { cumulativeWeights, toU32 } from './encode-clusters.js';
import type { RouteData } from './encoded-tables.js';
import { hashHeaderName, toByteString } from './key-hash.js';
import type { TableWriter } from './table-writer.js';

const FACT_PARTS: Readonly<Record<Exclude<TemplateFact, 'hostname'>, number>> = {
  'downstream-remote-address': layout.PART_DOWNSTREAM_REMOTE,
  'downstream-remote-address-without-port': layout.PART_DOWNSTREAM_REMOTE_IP,
  'downstream-local-address': layout.PART_DOWNSTREAM_LOCAL,
  'downstream-local-address-without-port': layout.PART_DOWNSTREAM_LOCAL_IP,
  'downstream-local-port': layout.PART_DOWNSTREAM_LOCAL_PORT,
  'upstream-remote-address': layout.PART_UPSTREAM_REMOTE,
  'upstream-cluster': layout.PART_UPSTREAM_CLUSTER,
  protocol: layout.PART_PROTOCOL,
  'start-time': layout.PART_START_TIME,
  'route-name': layout.PART_ROUTE_NAME,
  'response-code': layout.PART_RESPONSE_CODE,
};

const RETRY_BITS: Readonly<Record<RetryCondition, number>> = {
  'connect-failure': layout.RETRY_CONNECT_FAILURE,
  'refused-stream': layout.RETRY_REFUSED_STREAM,
  'reset-before-request': layout.RETRY_RESET_BEFORE_REQUEST,
  '5xx': layout.RETRY_5XX,
  'gateway-error': layout.RETRY_GATEWAY_ERROR,
  reset: layout.RETRY_RESET,
  'retriable-4xx': layout.RETRY_4XX,
  'retriable-status-codes': layout.RETRY_STATUS_CODES,
  'retriable-headers': layout.RETRY_HEADERS,
  'envoy-ratelimited': layout.RETRY_RATELIMITED,
  'http3-post-connect-failure': layout.RETRY_HTTP3_POST_CONNECT,
  cancelled: layout.RETRY_GRPC_CANCELLED,
  'deadline-exceeded': layout.RETRY_GRPC_DEADLINE_EXCEEDED,
  internal: layout.RETRY_GRPC_INTERNAL,
  'resource-exhausted': layout.RETRY_GRPC_RESOURCE_EXHAUSTED,
  unavailable: layout.RETRY_GRPC_UNAVAILABLE,
};

const OPS: Readonly<Record<HeaderOp['op'], number>> = {
  remove: layout.OP_REMOVE,
  set: layout.OP_SET,
  add: layout.OP_ADD,
};

/** Operations that a CORS policy adds to those of each response. */
const CORS_OP_COUNT = 3;

/** The part of RouteData that says what to do. */
export type ActionData = Pick<
  RouteData,
  | 'redirect'
  | 'directBody'
  | 'directStatus'
  | 'directCluster'
  | 'regexRewrite'
  | 'retry'
  | 'cors'
  | 'mirrors'
  | 'abortGrpcStatus'
  | 'keepRequestHead'
  | 'weighted'
>;

export class ActionEncoder {
  readonly #writer: TableWriter;
  readonly #clusters: ReadonlyMap<string, number>;
  readonly #hostname: string;

  /** `clusters`: name -> record. `hostname` is what `%HOSTNAME%` stands for. */
  constructor(writer: TableWriter, clusters: ReadonlyMap<string, number>, hostname: string) {
    this.#writer = writer;
    this.#clusters = clusters;
    this.#hostname = hostname;
  }

  /** Writes the action half of a route record that exists already. */
  encode(route: number, path: PathMatch, action: RouteAction): ActionData {
    if (action.kind === 'forward') return this.#encodeForward(route, path, action);
    const { routes } = this.#writer;
    const isRedirect = action.kind === 'redirect';
    routes.set(route, layout.ROUTE_ACTION, isRedirect ? layout.DECISION_REDIRECT : layout.DECISION_DIRECT);
    routes.set(route, layout.ROUTE_REWRITE_OFFSET, layout.TABLE_HEADER_SIZE);
    routes.set(route, layout.ROUTE_MATCHED_PATH_LENGTH, matchedPathLength(path));
    routes.set(route, layout.ROUTE_RESPONSE_OPS_FIRST, this.#appendOps(action.responseHeaders));
    routes.set(route, layout.ROUTE_RESPONSE_OPS_COUNT, action.responseHeaders.length);
    const keepRequestHead = readsRequest(action.responseHeaders);
    if (action.kind === 'redirect') return { redirect: action, keepRequestHead, weighted: [] };
    const charged = action.cluster === undefined ? {} : { directCluster: action.cluster };
    return { directStatus: action.status, directBody: action.body, ...charged, keepRequestHead, weighted: [] };
  }

  #encodeForward(route: number, path: PathMatch, action: ForwardAction): ActionData {
    const { routes, text } = this.#writer;
    routes.set(route, layout.ROUTE_ACTION, layout.DECISION_FORWARD);
    this.#appendWeighted(route, action);
    routes.set(route, layout.ROUTE_TIMEOUT_MS, toU32(action.timeoutMs));
    routes.set(route, layout.ROUTE_RETRY_ATTEMPTS, toU32(action.retry.attempts));
    const bits = action.retry.conditions.reduce((sum, condition) => sum | RETRY_BITS[condition], 0);
    routes.set(
      route,
      layout.ROUTE_RETRY_CONDITIONS,
      bits | (action.retry.repeatsUnsafe === true ? layout.RETRY_REPEATS_UNSAFE : 0),
    );
    const { delay, abort } = action.fault ?? {};
    routes.set(route, layout.ROUTE_DELAY_MS, toU32(delay?.delayMs ?? 0));
    routes.set(route, layout.ROUTE_DELAY_PER_MILLION, Math.min(1_000_000, toU32(delay?.perMillion ?? 0)));
    routes.set(route, layout.ROUTE_ABORT_STATUS, toU32(abort?.status ?? 0));
    routes.set(route, layout.ROUTE_ABORT_PER_MILLION, Math.min(1_000_000, toU32(abort?.perMillion ?? 0)));
    const { rewrite } = action;
    const value = toByteString(rewrite?.kind === 'path' ? rewrite.value : '');
    const kinds = { path: layout.REWRITE_PATH, regex: layout.REWRITE_REGEX };
    routes.set(route, layout.ROUTE_REWRITE_KIND, rewrite ? kinds[rewrite.kind] : layout.REWRITE_NONE);
    routes.set(route, layout.ROUTE_REWRITE_OFFSET, value === '' ? layout.TABLE_HEADER_SIZE : text.offsetOf(value));
    routes.set(route, layout.ROUTE_REWRITE_LENGTH, value.length);
    routes.set(route, layout.ROUTE_MATCHED_PATH_LENGTH, matchedPathLength(path));
    return {
      ...(rewrite?.kind === 'regex'
        ? { regexRewrite: { pattern: rewrite.pattern, substitution: rewrite.substitution } }
        : {}),
      ...forwardExtras(action),
      keepRequestHead: action.clusters.some((weighted) => readsRequest(weighted.responseHeaders)),
      weighted: action.clusters.map(({ cluster, weight }) => ({ cluster, weight })),
    };
  }

  /** Throws Error when a model's weights leave no cluster to choose, which lowering rules out. */
  #appendWeighted(route: number, { clusters, cors }: ForwardAction): void {
    const { routes, weighted, text } = this.#writer;
    const cumulative = clusters.length === 1 ? [1] : cumulativeWeights(clusters.map(({ weight }) => weight));
    const total = cumulative.at(-1) ?? 0;
    if (total === 0) throw new Error('a forward action needs a cluster of positive weight');
    routes.set(route, layout.ROUTE_WEIGHTED_FIRST, weighted.count);
    routes.set(route, layout.ROUTE_WEIGHTED_COUNT, clusters.length);
    routes.set(route, layout.ROUTE_WEIGHT_TOTAL, total);
    const corsOps = cors === undefined ? 0 : CORS_OP_COUNT;
    clusters.forEach(({ cluster, requestHeaders, responseHeaders, hostRewrite = '' }, index) => {
      const host = toByteString(hostRewrite);
      const requestOps = this.#appendOps(requestHeaders);
      const responseOps = this.#appendOps(responseHeaders);
      // Envoy's CORS filter sees the answer after the router, so what it sets stands.
      if (cors !== undefined) this.#appendCorsOps(cors);
      weighted.append(
        this.#clusters.get(cluster) ?? -1,
        cumulative[index] ?? 0,
        requestOps,
        requestHeaders.length,
        responseOps,
        responseHeaders.length + corsOps,
        host === '' ? layout.TABLE_HEADER_SIZE : text.offsetOf(host),
        host.length,
      );
    });
  }

  /** Returns the first operation's record. */
  #appendOps(ops: readonly HeaderOp[]): number {
    const { headerOps, templateParts, text } = this.#writer;
    const first = headerOps.reserve(ops.length);
    ops.forEach((op, index) => {
      const name = toByteString(op.name);
      const partsFirst = templateParts.count;
      if (op.op !== 'remove') for (const part of op.value) this.#appendPart(part);
      const record = first + index;
      headerOps.set(record, layout.HEADER_OP_OP, OPS[op.op]);
      headerOps.set(record, layout.HEADER_OP_NAME_OFFSET, text.offsetOf(name));
      headerOps.set(record, layout.HEADER_OP_NAME_LENGTH, name.length);
      headerOps.set(record, layout.HEADER_OP_NAME_HASH, hashHeaderName(name));
      headerOps.set(record, layout.HEADER_OP_PARTS_FIRST, partsFirst);
      headerOps.set(record, layout.HEADER_OP_PARTS_COUNT, templateParts.count - partsFirst);
    });
    return first;
  }

  /** Values that are nothing, because the origin is not allowed or the policy has none, leave a header as it was. */
  #appendCorsOps(cors: CorsPolicy): void {
    const { headerOps, templateParts, text } = this.#writer;
    const none = layout.TABLE_HEADER_SIZE;
    const values: readonly (readonly [name: string, kind: number, value: string])[] = [
      ['access-control-allow-origin', layout.PART_CORS_ORIGIN, ''],
      ['access-control-allow-credentials', layout.PART_CORS_LITERAL, cors.allowCredentials ? 'true' : ''],
      ['access-control-expose-headers', layout.PART_CORS_LITERAL, cors.exposeHeaders],
    ];
    for (const [name, kind, value] of values) {
      const literal = toByteString(value);
      const at = literal === '' ? none : text.offsetOf(literal);
      const part = templateParts.count;
      templateParts.append(kind, at, literal.length, none, 0, 0);
      const record = headerOps.reserve(1);
      headerOps.set(record, layout.HEADER_OP_OP, layout.OP_SET);
      headerOps.set(record, layout.HEADER_OP_NAME_OFFSET, text.offsetOf(name));
      headerOps.set(record, layout.HEADER_OP_NAME_LENGTH, name.length);
      headerOps.set(record, layout.HEADER_OP_NAME_HASH, hashHeaderName(name));
      headerOps.set(record, layout.HEADER_OP_PARTS_FIRST, part);
      headerOps.set(record, layout.HEADER_OP_PARTS_COUNT, 1);
    }
  }

  #appendPart(part: TemplatePart): void {
    const { templateParts, text } = this.#writer;
    const none = layout.TABLE_HEADER_SIZE;
    switch (part.kind) {
      case 'literal':
      case 'hostname': {
        const literal = toByteString(part.kind === 'literal' ? part.text : this.#hostname);
        templateParts.append(layout.PART_LITERAL, text.offsetOf(literal), literal.length, none, 0, 0);
        break;
      }
      case 'request-header':
      case 'response-header': {
        const kind = part.kind === 'request-header' ? layout.PART_REQUEST_HEADER : layout.PART_RESPONSE_HEADER;
        const name = toByteString(part.name);
        const other = toByteString(part.alternative);
        const otherOffset = text.offsetOf(other);
        templateParts.append(kind, text.offsetOf(name), name.length, otherOffset, other.length, toU32(part.maxBytes));
        break;
      }
      default:
        templateParts.append(FACT_PARTS[part.kind], none, 0, none, 0, 0);
    }
  }
}

/** What the host does for a forwarding route beside the engine. */
function forwardExtras({
  retry,
  cors,
  mirrors,
  fault,
}: ForwardAction): Omit<ActionData, 'keepRequestHead' | 'weighted'> {
  const { statusCodes, perTryTimeoutMs, backoffBaseMs, reusesHosts, prefersOtherLocalities } = retry;
  const own = { statusCodes, perTryTimeoutMs, backoffBaseMs, reusesHosts, prefersOtherLocalities };
  const set = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const grpcStatus = fault?.abort?.grpcStatus;
  return {
    ...(Object.keys(set).length === 0 ? {} : { retry: set }),
    ...(cors === undefined ? {} : { cors }),
    ...(mirrors === undefined ? {} : { mirrors }),
    ...(grpcStatus === undefined ? {} : { abortGrpcStatus: grpcStatus }),
  };
}

/** Bytes of the path that a path rewrite replaces: the prefix, all of it, or the leading slash of `any`. */
function matchedPathLength(path: PathMatch): number {
  if (path.kind === 'any') return 1;
  return path.kind === 'prefix' ? toByteString(path.value).length : layout.WHOLE_PATH;
}

function readsRequest(ops: readonly HeaderOp[]): boolean {
  return ops.some((op) => op.op !== 'remove' && op.value.some((part) => part.kind === 'request-header'));
}
