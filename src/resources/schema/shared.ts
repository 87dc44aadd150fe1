// SPDX-License-Identifier: Apache-2.0
/** Tables of the messages that several Istio kinds share: string matches, destinations, percentages, export lists. */
import { checkDestinationPort } from '../validate-http-route.js';
import { checkPresenceMatch, checkStringMatch } from '../validate-string-match.js';
import { field, list, map, message, number, port, REQUIRED, string } from './schema.js';
import type { ValueSchema } from './schema.js';

const stringMatchFields = {
  exact: field(string(), 'The whole string, case-sensitive.'),
  prefix: field(string(), 'What the string starts with.'),
  regex: field(string('regex'), 'RE2 expression that matches the whole string.'),
};

const oneMatch = [['exact', 'prefix', 'regex']];

/** For the path: an empty prefix matches everything. */
export const uriMatch = message(stringMatchFields, {
  oneofs: oneMatch,
  check: (value, place) => checkStringMatch(value, place, 'empty-prefix-allowed'),
});

/** For scheme, method, authority and CORS origins. */
export const requestMatch = message(stringMatchFields, {
  oneofs: oneMatch,
  check: (value, place) => checkStringMatch(value, place, 'empty-prefix-refused'),
});

/** For headers and query parameters: nothing set, or the regex `*`, means that the name is present. */
export const presenceMatch = message(
  { ...stringMatchFields, regex: field(string('regex-or-presence'), stringMatchFields.regex.doc) },
  {
    oneofs: oneMatch,
    check: checkPresenceMatch,
    normalize: (value: { readonly regex?: string }) => (value.regex === '*' ? {} : value),
  },
);

/** Istio `Destination`. */
export const destination: ValueSchema = message({
  host: field(string('destination-host'), 'The service, as a full or short name.', REQUIRED),
  subset: field(string('dns-label'), 'Name of a subset in the DestinationRule of the host.'),
  port: field(
    message({ number: field(port(), 'Port of the service, not of the workload.') }, { check: checkDestinationPort }),
    'Which port of the service.',
  ),
});

/** A share of the requests in percent; absent means no request in a fault, and all of them in a mirror. */
export const percent: ValueSchema = message({ value: field(number(0, 100), 'Percent, 0 to 100.') });

export const exportTo = list(string());

export const stringMap = map(string());
