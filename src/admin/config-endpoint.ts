// SPDX-License-Identifier: Apache-2.0
/** /config_dump: what is in force, in Envoy's shape. */
import { renderConfigDump } from './config-dump.js';
import { formatTime, jsonReply } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { nodeOf } from './process-endpoints.js';

export const CONFIG_DUMP_ENDPOINT: Endpoint = {
  method: 'GET',
  path: '/config_dump',
  summary: "the configuration in force in Envoy's shape (JSON)",
  parameters: {
    include_eds: 'adds the endpoints',
    resource: 'only one list, such as dynamic_route_configs',
    name_regex: 'regular expression (RE2) that the whole name of a resource must match',
  },
  answer: ({ source, query }) => {
    const { generation, lastSuccessMs } = source.configStatus();
    const input = {
      model: source.model(),
      host: source.host(),
      node: nodeOf(source.server()),
      generation,
      lastUpdated: formatTime(lastSuccessMs),
    };
    return jsonReply(
      renderConfigDump(input, {
        includeEndpoints: query.flag('include_eds'),
        resource: query.text('resource'),
        nameRegex: query.pattern('name_regex'),
      }),
    );
  },
};
