// SPDX-License-Identifier: Apache-2.0
/**
 * YAML text -> resources for tests of the stages after validation. Documents without `kind` are left to the test. The text
 * must be valid: nothing is checked here.
 */
import { isCollection, isNode, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import type { SourcePosition } from '../../src/resources/problem.js';
import type { KnownResource } from '../../src/resources/types.js';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
}

export interface LoadedText {
  readonly resources: KnownResource[];
  /** Documents without `kind`, as plain data. */
  readonly others: unknown[];
}

export function loadText(text: string, file = 'test.yaml'): LoadedText {
  const lines = new LineCounter();
  const resources: KnownResource[] = [];
  const others: unknown[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    const data: unknown = document.toJS();
    if (isManifest(data)) resources.push(resourceOf(data, document, lines, file, resources.length));
    else if (data !== null) others.push(data);
  }
  return { resources, others };
}

export function loadResources(text: string, file?: string): KnownResource[] {
  return loadText(text, file).resources;
}

function isManifest(data: unknown): data is Manifest {
  return typeof data === 'object' && data !== null && 'kind' in data;
}

function resourceOf(
  manifest: Manifest,
  document: Document,
  lines: LineCounter,
  file: string,
  order: number,
): KnownResource {
  const { apiVersion, kind, metadata, spec, status, ...rest } = manifest;
  const { name, namespace = 'default', labels = {}, annotations = {}, creationTimestamp } = metadata;
  const at = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const position = at(offsetOf(document, ['kind']));
  const body = spec ?? rest;
  return {
    apiVersion,
    kind,
    name,
    namespace,
    labels,
    annotations,
    order,
    position,
    ...(creationTimestamp === undefined ? {} : { creationTimestampMs: Date.parse(creationTimestamp) }),
    spec: status === undefined ? body : { ...body, status },
    positionOf: (path: string) => at(offsetOf(document, path.match(/[^.[\]]+/g) ?? [])),
    // The caller writes valid manifests; this is the one place that takes their word for it.
  } as unknown as KnownResource;
}

/** The nearest parent's offset where the path is absent. */
function offsetOf(document: Document, path: readonly string[]): number {
  const keys = path.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  for (let length = keys.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(keys.slice(0, length - 1), true);
    if (!isCollection(parent) || !parent.has(keys[length - 1])) continue;
    const key = keys[length - 1];
    for (const item of parent.items) {
      if (typeof item === 'object' && item !== null && 'key' in item && isScalar(item.key) && item.key.value === key) {
        return item.key.range?.[0] ?? 0;
      }
    }
    const value: unknown = parent.get(key, true);
    return isNode(value) ? (value.range?.[0] ?? 0) : 0;
  }
  return document.range?.[0] ?? 0;
}
