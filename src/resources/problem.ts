// SPDX-License-Identifier: Apache-2.0
/**
 * What is wrong with a configuration, as plain data. Problems are collected and returned, never thrown, so that one
 * run can report all of them.
 */

export type Severity = 'error' | 'warning' | 'info';

/** A place in a configuration source. `line` and `column` count from 1; `file` is `-` for standard input. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The identity of a resource: Kubernetes' kind, namespace and name. */
export interface ResourceId {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One finding. `code` is stable and documented in docs/problems.md; `path` is a JSON path such as `spec.http[0].timeout`. */
export interface Problem {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  /** What would be right, as one sentence; empty when the message already says it. */
  readonly hint: string;
  readonly path: string;
  readonly position: SourcePosition;
  /** Absent for problems of a file (unreadable, not YAML). */
  readonly resource?: ResourceId;
}
