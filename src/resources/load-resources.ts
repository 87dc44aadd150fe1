// SPDX-License-Identifier: Apache-2.0
/**
 * Documents -> the resources that later stages may rely on, and every Problem on the way. A resource with an error is left
 * out and touches no other one; kinds that Weft does not execute are left out too, and said so.
 */
import { checkMessage } from './check-schema.js';
import { isObject, parseSegment, placePosition, placeProblem, splitSource } from './documents.js';
import type { JsonObject, SegmentPlace, SourceDocument, SourceText } from './documents.js';
import { isCheckable } from './faulty.js';
import { Findings, Place } from './findings.js';
import { parsePath } from './json-path.js';
import type { PathStep } from './json-path.js';
import { suggestion } from './nearest-name.js';
import { checkProbeAnnotation } from './probe-annotation.js';
import type { Problem, ResourceId, SourcePosition } from './problem.js';
import { findKind, isNotExecutedKind, KINDS, splitApiVersion } from './schema/kinds.js';
import type { KindSchema } from './schema/kinds.js';
import { metadata as metadataSchema } from './schema/kubernetes.js';
import type { KnownResource } from './types.js';

export interface LoadedResources {
  /** In the order of the documents. */
  readonly resources: readonly KnownResource[];
  readonly problems: readonly Problem[];
}

/** For reports that go on where one resource is wrong; what runs takes `resources` alone. */
export interface LoadedWithFaulty extends LoadedResources {
  /** Resources with errors whose references can still be checked. */
  readonly faulty: readonly KnownResource[];
}

export const DEFAULT_NAMESPACE = 'default';

/** Validates parsed documents. Never throws for what is in them. */
export function loadResources(documents: readonly SourceDocument[]): LoadedWithFaulty {
  const resources: KnownResource[] = [];
  const faulty: KnownResource[] = [];
  const problems: Problem[] = [];
  const places = new Map<string, SourcePosition>();
  for (const [order, document] of documents.entries()) {
    const loaded = loadDocument(document, order);
    problems.push(...loaded.problems);
    if (loaded.faulty !== undefined) faulty.push(loaded.faulty);
    if (loaded.resource === undefined) continue;
    const duplicate = findDuplicate(loaded.resource, places);
    if (duplicate === undefined) resources.push(loaded.resource);
    else problems.push(duplicate);
  }
  return { resources, problems, faulty };
}

/**
 * Parses and validates files that have been read already. A segment whose text is in the cache is neither parsed nor
 * validated; afterwards the cache holds what these sources consist of.
 */
export function loadTexts(sources: readonly SourceText[], cache: LoadCache = new LoadCache()): LoadedResources {
  const parseProblems: Problem[] = [];
  const problems: Problem[] = [];
  const resources: KnownResource[] = [];
  const places = new Map<string, SourcePosition>();
  let order = 0;
  for (const source of sources) {
    const split = splitSource(source);
    parseProblems.push(...split.problems);
    for (const segment of split.segments) {
      const loaded = cache.load(segment.text);
      for (const problem of loaded.problems) parseProblems.push(placeProblem(problem, segment));
      for (const document of loaded.documents) {
        for (const problem of document.problems) problems.push(placeProblem(problem, segment));
        if (document.resource !== undefined) {
          const resource = cache.place(document.resource, segment, order);
          const duplicate = findDuplicate(resource, places);
          if (duplicate === undefined) resources.push(resource);
          else problems.push(duplicate);
        }
        order += 1;
      }
    }
  }
  cache.endPass();
  return { resources, problems: [...parseProblems, ...problems] };
}

interface LoadedSegment {
  readonly text: string;
  /** What is no document at all. */
  readonly problems: readonly Problem[];
  readonly documents: readonly LoadedDocument[];
}

/** What the segments of the last pass came to, by their text. Everything in it is relative to the segment's start. */
export class LoadCache {
  #last = new Map<string, LoadedSegment>();
  #current = new Map<string, LoadedSegment>();
  readonly #placed = new WeakMap<KnownResource, KnownResource>();

  load(text: string): LoadedSegment {
    // V8 cuts strings by reference: a copy does not keep the text of the whole file, of one more version in each pass.
    const loaded = this.#current.get(text) ?? this.#last.get(text) ?? loadSegment(Buffer.from(text).toString());
    this.#current.set(loaded.text, loaded);
    return loaded;
  }

  /** The same object as the last time for what has not moved, so that later stages can tell by identity what changed. */
  place(resource: KnownResource, place: SegmentPlace, order: number): KnownResource {
    const last = this.#placed.get(resource);
    if (last?.order === order) {
      const { file, line } = placePosition(resource.position, place);
      if (last.position.file === file && last.position.line === line) return last;
    }
    const placed = placeResource(resource, place, order);
    this.#placed.set(resource, placed);
    return placed;
  }

  /** Forgets the segments that were not asked for since the last call. */
  endPass(): void {
    this.#last = this.#current;
    this.#current = new Map();
  }
}

function loadSegment(text: string): LoadedSegment {
  const { documents, problems } = parseSegment(text);
  return { text, problems, documents: documents.map((document) => loadDocument(document, 0)) };
}

/** Spread and cast, because the compiler can't see that a copy of any kind is of that kind. */
function placeResource(resource: KnownResource, place: SegmentPlace, order: number): KnownResource {
  const position = placePosition(resource.position, place);
  const positionOf = (path: string): SourcePosition => placePosition(resource.positionOf(path), place);
  return { ...resource, order, position, positionOf };
}

interface LoadedDocument {
  readonly resource?: KnownResource;
  /** What is left of a resource with errors, where its references can still be checked. */
  readonly faulty?: KnownResource;
  readonly problems: readonly Problem[];
}

function loadDocument(document: SourceDocument, order: number): LoadedDocument {
  const { group, version } = splitApiVersion(document.apiVersion);
  const schema = findKind(group, document.kind);
  const id = identify(document, schema);
  const findings = new Findings(id, (steps, part) => document.positionOf(steps, part));
  const root = new Place(findings);
  if (schema === undefined) {
    reportKind(document, group, root);
    return { problems: findings.problems };
  }
  if (!schema.versions.includes(version)) {
    const allowed = schema.versions.map((name) => (group === '' ? name : `${group}/${name}`)).join(', ');
    root.at('apiVersion').report('unsupported-version', `unknown version (${document.apiVersion})`, `Use ${allowed}.`);
    return { problems: findings.problems };
  }
  const metadata = checkMessage(metadataSchema, document.value['metadata'], root.at('metadata')) as
    Metadata | undefined;
  checkAnnotations(metadata, group, root);
  checkProbeAnnotation(metadata?.annotations, root.at('metadata', 'annotations'));
  const spec = checkSpec(schema, document, root);
  const timestamp = Date.parse(metadata?.creationTimestamp ?? '');
  // The walker let through only what the table of this kind allows, which is what the type of the kind says.
  const resource = {
    ...id,
    apiVersion: document.apiVersion,
    labels: metadata?.labels ?? {},
    annotations: metadata?.annotations ?? {},
    ...(Number.isNaN(timestamp) ? {} : { creationTimestampMs: timestamp }),
    order,
    spec: findings.hasError ? spec : compact(spec),
    position: document.positionOf([]),
    positionOf: rememberingLocator(document.positionOf, schema),
  } as KnownResource;
  if (!findings.hasError) return { resource, problems: findings.problems };
  // The schema check returns nothing for a spec that is no object.
  const isLeft = isObject(resource.spec) && isCheckable(resource);
  return { ...(isLeft ? { faulty: resource } : {}), problems: findings.problems };
}

/** A function of its own, so that it keeps neither the document, which holds the unchecked values, nor the findings. */
function rememberingLocator(
  locate: SourceDocument['positionOf'],
  schema: KindSchema,
): (path: string) => SourcePosition {
  // Lowering asks for the same places after each reload.
  const positions = new Map<string, SourcePosition>();
  return (path) => {
    const known = positions.get(path);
    if (known !== undefined) return known;
    const position = locate(stepsIn(schema, path));
    positions.set(path, position);
    return position;
  };
}

/**
 * The same value in less memory: objects that grew field by field have room for more, and a text cut out of another keeps
 * it. A spec without errors is plain JSON.
 */
function compact(spec: unknown): unknown {
  return JSON.parse(JSON.stringify(spec));
}

interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}

function identify(document: SourceDocument, schema: KindSchema | undefined): ResourceId {
  const { kind, name } = document;
  if (schema?.namespaced === false) return { kind, namespace: '', name };
  const metadata = document.value['metadata'];
  const namespace = isObject(metadata) ? metadata['namespace'] : undefined;
  const isNamed = typeof namespace === 'string' && namespace !== '';
  return { kind, namespace: isNamed ? namespace : DEFAULT_NAMESPACE, name };
}

/** Top-level fields of every Kubernetes object; `status` is output, not input. */
const ENVELOPE: readonly string[] = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

function checkSpec(schema: KindSchema, document: SourceDocument, root: Place): unknown {
  const { value } = document;
  if (schema.layout === 'top-level') return checkMessage(schema.spec, value, root);
  if (schema.spec.open !== true) {
    for (const name of Object.keys(value)) {
      if (ENVELOPE.includes(name)) continue;
      const hint = Object.hasOwn(schema.spec.fields, name) ? 'Put it under spec.' : suggestion(name, ENVELOPE);
      root.at(name).reportKey('unknown-field', `unknown field (${name}), which is ignored`, hint);
    }
  }
  const spec = value['spec'] ?? {};
  if (schema.layout === 'spec') return checkMessage(schema.spec, spec, root.at('spec'));
  const withStatus: JsonObject = isObject(spec) ? { ...spec, status: value['status'] } : {};
  return checkMessage(schema.spec, isObject(spec) ? withStatus : spec, root.at('spec'));
}

/** Paths start at `spec` for every kind; where the object has none there, the steps are those of the object. */
function stepsIn(schema: KindSchema, path: string): PathStep[] {
  const steps = parsePath(path);
  if (schema.layout === 'top-level' && steps[0] === 'spec') return steps.slice(1);
  if (schema.layout === 'with-status' && steps[0] === 'spec' && steps[1] === 'status') return steps.slice(1);
  return steps;
}

function reportKind(document: SourceDocument, group: string, root: Place): void {
  const { kind } = document;
  const at = root.at('kind');
  if (isNotExecutedKind(group, kind)) {
    at.report('kind-not-executed', `${kind} is valid Istio, not executed by Weft yet`, 'It is left out.');
  } else {
    const isIstio = group.endsWith('.istio.io');
    const nearest = isIstio
      ? suggestion(
          kind,
          KINDS.map((schema) => schema.kind),
        )
      : '';
    at.report('kind-ignored', `${kind} is not a kind that Weft reads (${document.apiVersion})`, nearest);
  }
}

/** Istio refuses the dry-run annotation on everything but AuthorizationPolicy. */
function checkAnnotations(metadata: Metadata | undefined, group: string, root: Place): void {
  const name = 'istio.io/dry-run';
  if (!group.endsWith('istio.io') || !Object.hasOwn(metadata?.annotations ?? {}, name)) return;
  root
    .at('metadata', 'annotations', name)
    .reportKey('reserved-annotation', `annotation is not supported on this kind (${name})`, 'Remove it.');
}

function findDuplicate(resource: KnownResource, places: Map<string, SourcePosition>): Problem | undefined {
  const { kind, namespace, name, position } = resource;
  const key = `${kind}/${namespace}/${name}`;
  const earlier = places.get(key);
  if (earlier === undefined) {
    places.set(key, position);
    return undefined;
  }
  return {
    severity: 'error',
    code: 'duplicate-resource',
    message: `was defined before, at ${earlier.file}:${earlier.line}`,
    hint: 'Rename or remove one of the two.',
    path: 'metadata.name',
    position: resource.positionOf('metadata.name'),
    resource: { kind, namespace, name },
  };
}
