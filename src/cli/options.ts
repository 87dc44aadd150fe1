// SPDX-License-Identifier: Apache-2.0
/** Options that several commands share, and what they become: configuration paths and the proxy node to lower for. */
import type { ProxyNode } from '../lower/proxy-node.js';
import type { OptionTable, ReadSetting } from './settings.js';
import { parseLabels, parseListenMap, UsageError } from './settings.js';

/** Streams and settings of the process, injected so that commands read no globals. */
export interface CommandIo {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly read: ReadSetting;
}

export const CONFIG_OPTIONS = {
  config: {
    alias: 'c',
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'File or folder of YAML or JSON, - for standard input; may be given several times',
  },
} as const satisfies OptionTable;

export const NODE_OPTIONS = {
  role: { choices: ['gateway', 'sidecar'] as const, default: 'gateway', describe: 'What kind of proxy this is' },
  namespace: { type: 'string', default: 'default', describe: "The proxy's Kubernetes namespace" },
  labels: {
    type: 'string',
    default: 'istio=ingressgateway',
    describe: "The proxy's labels, which Gateway selectors look at: NAME=VALUE, separated by commas",
  },
  'listen-map': {
    type: 'string',
    default: '',
    defaultDescription: 'none',
    describe: 'Ports to listen on instead of those of the configuration, such as 80=8080,443=8443',
  },
  bind: { type: 'string', default: '0.0.0.0', describe: 'Address to listen on where the configuration names none' },
  'istio-default-retries': {
    type: 'boolean',
    default: false,
    describe: "Routes without retries get exactly Istio's default policy, also for requests with side effects",
  },
  'outbound-traffic-policy': {
    choices: ['REGISTRY_ONLY', 'ALLOW_ANY'] as const,
    default: 'REGISTRY_ONLY',
    describe: 'What a sidecar does with requests to unknown hosts, where no Sidecar resource says',
  },
} as const satisfies OptionTable;

export interface NodeArguments {
  readonly role: 'gateway' | 'sidecar';
  readonly namespace: string;
  readonly labels: string;
  readonly listenMap: string;
  readonly bind: string;
  readonly istioDefaultRetries: boolean;
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
}

/** Throws UsageError. */
export function nodeOf(args: NodeArguments): ProxyNode {
  return {
    role: args.role,
    namespace: args.namespace,
    labels: parseLabels(args.labels),
    listenMap: parseListenMap(args.listenMap),
    bind: args.bind,
    istioDefaultRetries: args.istioDefaultRetries,
    outboundTrafficPolicy: args.outboundTrafficPolicy,
  };
}

/** Throws UsageError when no path was given. */
export function configPaths(config: readonly string[] | undefined): readonly string[] {
  if (config === undefined || config.length === 0) {
    throw new UsageError('--config is missing: name a file or folder with Istio YAML, such as --config examples/hello');
  }
  return config;
}
