// SPDX-License-Identifier: Apache-2.0
/** Ascending routes -> a candidate list of the table. */
import * as layout from '../../assembly/layout.js';
import type { RecordSection } from './table-writer.js';

/** Appends a list; returns its first candidate. */
export function appendCandidates(candidates: RecordSection, entries: readonly number[]): number {
  const first = candidates.reserve(entries.length);
  entries.forEach((entry, index) => {
    const isLast = index === entries.length - 1;
    candidates.set(first + index, 0, isLast ? (entry | layout.CANDIDATE_LAST) >>> 0 : entry);
  });
  return first;
}
