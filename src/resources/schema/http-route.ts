// SPDX-License-Identifier: Apache-2.0
/** Table of Istio's `HTTPRoute` and the messages inside it. */
import {
  checkDirectResponse,
  checkFault,
  checkFaultPercent,
  checkRedirect,
  checkRequestHeaders,
  checkResponseHeaders,
  checkRetries,
  checkRewrite,
} from '../validate-http-action.js';
import { checkHttpMatch, checkHttpRoute } from '../validate-http-route.js';
import { checkCors, checkCorsOrigin } from '../validate-cors.js';
import {
  boolean,
  field,
  integer,
  labels,
  list,
  map,
  message,
  nonEmptyString,
  NOT_EXECUTED,
  number,
  oneOf,
  port,
  REFUSED,
  REQUIRED,
  string,
} from './schema.js';
import { destination, percent, presenceMatch, requestMatch, stringMap, uriMatch } from './shared.js';

const CLAIMS = { acceptedOnly: '@request.auth.claims' };

const httpMatch = message(
  {
    name: field(string(), 'Suffix of the route name.'),
    uri: field(uriMatch, 'The path without the query.'),
    ignoreUriCase: field(boolean(), 'Ignores case for uri exact and prefix.'),
    scheme: field(requestMatch, 'http or https.'),
    method: field(requestMatch, 'The request method, case-sensitive.'),
    authority: field(requestMatch, 'The full authority, with the port if the client sent one.'),
    headers: field(map(presenceMatch, 'match-header-name'), 'Conditions on request headers; all must hold.', CLAIMS),
    withoutHeaders: field(map(presenceMatch, 'match-header-name', true), 'Conditions that must not hold.', CLAIMS),
    queryParams: field(map(presenceMatch, 'non-empty'), 'Conditions on query parameters, compared raw.'),
    port: field(port(), 'Only on listeners with this port.'),
    sourceLabels: field(labels(), 'Only in proxies of workloads with these labels.'),
    sourceNamespace: field(string('dns-label'), 'Only in proxies of this namespace.'),
    gateways: field(list(string()), 'Only on these gateways; `mesh` means sidecars.'),
    statPrefix: field(string(), 'Counts this route by itself, under the prefix.'),
  },
  { check: checkHttpMatch },
);

function headerOperations(check: typeof checkRequestHeaders): ReturnType<typeof message> {
  return message(
    {
      set: field(stringMap, 'Replaces the lines of each header.'),
      add: field(stringMap, 'Appends a line to each header.'),
      remove: field(list(string()), 'Removes all lines of these headers.'),
    },
    { check },
  );
}

export const headers = message({
  request: field(headerOperations(checkRequestHeaders), 'Changes the request before it is forwarded.'),
  response: field(headerOperations(checkResponseHeaders), 'Changes the response before it is returned.'),
});

const httpDestination = message({
  destination: field(destination, 'Where to forward to.', REQUIRED),
  weight: field(integer(0, 2 ** 31 - 1), 'Share of the requests: weight divided by the sum of the weights.'),
  headers: field(headers, 'Header changes for this destination only.'),
});

const redirect = message(
  {
    uri: field(string(), 'Replaces the whole path.'),
    prefixRewrite: field(string(), 'Replaces the matched prefix.'),
    authority: field(string(), 'The new host, taken literally.'),
    port: field(port(), 'The new port.'),
    derivePort: field(oneOf(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']), 'No port, or that of the listener.'),
    scheme: field(oneOf(['http', 'https']), 'The new scheme.'),
    redirectCode: field(integer(300, 399), 'Status: 301, 302, 303, 307 or 308.', { fallback: 301 }),
  },
  {
    oneofs: [
      ['port', 'derivePort'],
      ['uri', 'prefixRewrite'],
    ],
    check: checkRedirect,
  },
);

const directResponse = message({
  status: field(integer(200, 599), 'Status of the answer.', REQUIRED),
  body: field(
    message(
      { string: field(string(), 'Body as text.'), bytes: field(string(), 'Body as base64.') },
      { oneofs: [['string', 'bytes']], check: checkDirectResponse },
    ),
    'Body of the answer.',
  ),
});

const rewrite = message(
  {
    uri: field(string(), 'Replaces the matched part of the path.'),
    authority: field(string(), 'Replaces the authority.'),
    uriRegexRewrite: field(
      message({
        match: field(string('regex'), 'RE2 expression; every occurrence in the path is replaced.', REQUIRED),
        rewrite: field(nonEmptyString(), 'Replacement; \\0 to \\9 are captures.', REQUIRED),
      }),
      'Rewrites the path by a regular expression.',
    ),
  },
  { oneofs: [['uri', 'uriRegexRewrite']], check: checkRewrite },
);

const retries = message(
  {
    attempts: field(integer(0, 2 ** 31 - 1), 'Number of retries after the first try; 0 switches them off.'),
    perTryTimeout: field(string('duration'), 'Time limit of each try.'),
    retryOn: field(string(), 'Conditions and status codes, comma-separated.'),
    retryRemoteLocalities: field(boolean(), 'Retries may go to other localities.', NOT_EXECUTED),
    retryIgnorePreviousHosts: field(boolean(), 'Retries avoid endpoints that were tried already.'),
    backoff: field(string('duration'), 'Base interval of the exponential back-off.'),
  },
  { check: checkRetries },
);

const faultPercent = message(
  { value: field(number(0, 100), 'Percent: 0, or 0.0001 to 100.') },
  { check: checkFaultPercent },
);

const grpcStatuses =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED ' +
  'FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED';

const fault = message(
  {
    delay: field(
      message(
        {
          fixedDelay: field(string('duration'), 'How long the request is held.'),
          exponentialDelay: field(string('duration'), 'Refused, as in Istio.', REFUSED),
          percentage: field(faultPercent, 'Share of the requests; absent means none.'),
          percent: field(integer(0, 100), 'Share of the requests.', { deprecated: 'Use percentage.value.' }),
        },
        { oneofs: [['fixedDelay', 'exponentialDelay']] },
      ),
      'Holds requests.',
    ),
    abort: field(
      message(
        {
          httpStatus: field(integer(200, 599), 'The status to answer.'),
          grpcStatus: field(oneOf(grpcStatuses.split(' ')), 'The gRPC status to answer.'),
          http2Error: field(string(), 'Refused, as in Istio.', REFUSED),
          percentage: field(faultPercent, 'Share of the requests; absent means none.'),
        },
        { oneofs: [['httpStatus', 'grpcStatus', 'http2Error']] },
      ),
      'Answers requests with an error.',
    ),
  },
  { check: checkFault },
);

const corsMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*'];

const corsOrigin = message(
  {
    exact: field(string(), 'The whole origin.'),
    prefix: field(string(), 'What the origin starts with.'),
    regex: field(string('regex'), 'RE2 expression for the whole origin.'),
  },
  { oneofs: [['exact', 'prefix', 'regex']], check: checkCorsOrigin },
);

const cors = message(
  {
    allowOrigins: field(list(corsOrigin), 'Origins that are allowed.'),
    allowOrigin: field(list(string()), 'Origins that are allowed.', { deprecated: 'Use allowOrigins.' }),
    allowMethods: field(list(oneOf(corsMethods)), 'Methods told to a preflight.'),
    allowHeaders: field(list(string('header-token')), 'Request headers told to a preflight.'),
    exposeHeaders: field(list(string('header-token')), 'Response headers that scripts may read.'),
    maxAge: field(string('duration'), 'How long a preflight may be cached, in whole seconds.'),
    allowCredentials: field(boolean(), 'Whether credentials may be sent.'),
    unmatchedPreflights: field(oneOf(['UNSPECIFIED', 'FORWARD', 'IGNORE']), 'What becomes of other preflights.'),
  },
  { check: checkCors },
);

const delegate = message({
  name: field(nonEmptyString(), 'Name of the VirtualService that goes on.', REQUIRED),
  namespace: field(string('dns-label'), 'Its namespace; absent means that of this one.'),
});

export const httpRoute = message(
  {
    name: field(string(), 'Name of the route in logs.'),
    match: field(list(httpMatch), 'Any of these blocks must hold; absent means every request.'),
    route: field(list(httpDestination), 'Forwards to these destinations by weight.'),
    redirect: field(redirect, 'Answers with a redirect.'),
    directResponse: field(directResponse, 'Answers with a fixed response.'),
    delegate: field(delegate, 'Goes on in another VirtualService.'),
    rewrite: field(rewrite, 'Changes path or authority before forwarding.'),
    timeout: field(string('duration'), 'Time limit of the whole exchange; absent means none.'),
    retries: field(retries, 'Retry policy; absent means 2 retries of what the upstream has not processed.'),
    fault: field(fault, 'Injects delays and errors.'),
    mirror: field(destination, 'Copies requests to a destination.'),
    mirrorPercentage: field(percent, 'Share of the requests that are copied; absent means all.'),
    mirrorPercent: field(integer(0, 100), 'Share of the requests that are copied.', {
      deprecated: 'Use mirrorPercentage.value.',
    }),
    mirror_percent: field(integer(0, 100), 'Alias of mirrorPercent.', {
      deprecated: 'Use mirrorPercentage.value.',
    }),
    mirrors: field(
      list(
        message({
          destination: field(destination, 'Where copies go.', REQUIRED),
          percentage: field(percent, 'Share of the requests that are copied; absent means all.'),
        }),
      ),
      'Copies requests to several destinations.',
    ),
    corsPolicy: field(cors, 'Answers preflights and adds CORS headers.'),
    headers: field(headers, 'Header changes for every destination.'),
  },
  { oneofs: [['mirror', 'mirrors']], check: checkHttpRoute },
);
