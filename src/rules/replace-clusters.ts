// SPDX-License-Identifier: Apache-2.0
/**
 * Encoded tables and other endpoints of the same clusters -> encoded tables, byte for byte those that encoding the whole
 * model would give. Endpoints change far more often than routes, and what routes are encoded to is copied: the texts of
 * clusters come last in their section, so whatever refers to a text of a route still does.
 */
import * as layout from '../../assembly/layout.js';
import type { Cluster } from '../model/model.js';
import { encodeCluster } from './encode-clusters.js';
import type { EncodedTables } from './encoded-tables.js';
import { assembleTable, RecordSection, sectionsOf, TextPool } from './table-writer.js';
import type { TableSection } from './table-writer.js';

/** `clusters` must have the names of those in `encoded`, in the same order. */
export function replaceClusters(encoded: EncodedTables, clusters: readonly Cluster[]): EncodedTables {
  const sections = sectionsOf(encoded.tables);
  const text = TextPool.after(textOfRoutes(encoded, sections));
  const clusterRecords = new RecordSection(layout.CLUSTER_SIZE);
  const endpointRecords = new RecordSection(layout.ENDPOINT_SIZE);
  const data = clusters.map((cluster) =>
    encodeCluster({ text, clusters: clusterRecords, endpoints: endpointRecords }, cluster),
  );
  const replaced = new Map<number, TextPool['section'] | RecordSection>([
    [layout.TABLE_STRINGS, text.section],
    [layout.TABLE_CLUSTERS, clusterRecords],
    [layout.TABLE_ENDPOINTS, endpointRecords],
  ]);
  const tables = assembleTable(
    sections.map((section) => {
      const other = replaced.get(section.pair);
      return other === undefined ? section : { pair: section.pair, count: other.count, bytes: other.bytes() };
    }),
  );
  return { tables, host: { ...encoded.host, clusters: data } };
}

/** All texts before that of the first endpoint. */
function textOfRoutes(encoded: EncodedTables, sections: readonly TableSection[]): Uint8Array {
  const bytesOf = (pair: number): Uint8Array => sections.find((section) => section.pair === pair)?.bytes ?? NOTHING;
  const text = bytesOf(layout.TABLE_STRINGS);
  const endpoints = bytesOf(layout.TABLE_ENDPOINTS);
  if (endpoints.length === 0) return text;
  const view = new DataView(endpoints.buffer, endpoints.byteOffset, endpoints.byteLength);
  return text.subarray(0, view.getUint32(layout.ENDPOINT_ADDRESS_OFFSET, true) - layout.TABLE_HEADER_SIZE);
}

const NOTHING = new Uint8Array(0);
