// SPDX-License-Identifier: Apache-2.0
/**
 * The mesh-wide inputs that routing reads, with the defaults of Istio's MeshConfig, so that no file has to give them.
 */

export interface MeshSettings {
  /** Namespace whose DestinationRules apply where a client's and a service's own namespace have none. */
  readonly rootNamespace: string;
  /** DNS suffix that short host names expand to. */
  readonly domain: string;
  readonly trustDomain: string;
  /** Upstream TCP connect timeout where no DestinationRule gives one. */
  readonly connectTimeoutMs: number;
  /** How long a port without a declared protocol waits for a client's first bytes; 0 = for ever. */
  readonly protocolDetectionTimeoutMs: number;
  readonly pathNormalization: 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';
  /** What `exportTo` means when a resource of that kind has none (`*`, `.`, `~` or namespace names). */
  readonly defaultVirtualServiceExportTo: readonly string[];
  readonly defaultDestinationRuleExportTo: readonly string[];
  readonly defaultServiceExportTo: readonly string[];
}

export const DEFAULT_MESH_SETTINGS: MeshSettings = {
  rootNamespace: 'istio-system',
  domain: 'cluster.local',
  trustDomain: 'cluster.local',
  connectTimeoutMs: 10_000,
  protocolDetectionTimeoutMs: 0,
  pathNormalization: 'BASE',
  defaultVirtualServiceExportTo: ['*'],
  defaultDestinationRuleExportTo: ['*'],
  defaultServiceExportTo: ['*'],
};
