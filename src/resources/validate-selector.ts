// SPDX-License-Identifier: Apache-2.0
/** Workload selectors: one that is present and empty selects everything, which is seldom meant. */
import type { Place } from './findings.js';

/** `place` is that of the selector; syntax of the labels is the table's job. */
export function checkSelector(labels: object | undefined, place: Place): void {
  if (labels !== undefined && Object.keys(labels).length > 0) return;
  place.report(
    'empty-selector',
    'selector has no labels, so it applies to all workloads in the namespace',
    'Name labels, or remove the selector.',
  );
}
