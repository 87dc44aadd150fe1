// SPDX-License-Identifier: Apache-2.0
/**
 * Text of configuration files -> Kubernetes-style objects with the position of every field, and the Problems of what is
 * none. Each document of a file is parsed by itself, so that a broken one hides no other; `List` objects are unrolled.
 * YAML 1.2 with merge keys is read (JSON is a subset); the position of every field is kept, because a later check names a
 * JSON path and the person wants a line. What is read of a document depends on its own text alone, and lines are counted
 * from its own start, so that a document which moved in its file, or not at all, need not be read again.
 */
import { CST, Lexer, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import type { PathStep } from './json-path.js';
import { placeOf, PositionIndex } from './position-index.js';
import type { LinePlace } from './position-index.js';
import type { Problem, SourcePosition } from './problem.js';
import type { ProblemCode } from './problem-codes.js';

/** A file that has been read. `file` is `-` for standard input. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** One Kubernetes-style object with the envelope checked: apiVersion, kind and metadata.name are non-empty strings. */
export interface SourceDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly value: JsonObject;
  /** Where a field's value starts, or its key; the nearest parent's place when the field is not there. */
  readonly positionOf: (steps: readonly PathStep[], part?: 'key' | 'value') => SourcePosition;
}

export interface ParsedSources {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Problem[];
}

/** Istio's objects are below Kubernetes' 1.5 MB each; a file of 32 MiB holds some 10 000 of them. */
export const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** No schema nests deeper than 20 levels; more is an attack on recursive code. */
const MAX_DEPTH = 100;

/** Indentation that counts as one level; people use 2 to 4, and 1 would refuse wide tables of spaces. */
const COLUMNS_PER_LEVEL = 4;

/** Shorter lines have no room for so many levels of block style. */
const LONG_LINE = new RegExp(`^.{${MAX_DEPTH * 2}}`, 'm');

const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep, or an alias contains itself`;

const SHALLOW = 'Istio resources nest less than 20 levels.';

/** One fault at the start of a document can make hundreds behind it; the first ones tell. */
const MAX_ERRORS = 5;

/** Aliases may multiply a document's nodes by so much in total: enough for shared blocks, too little for a bomb. */
const MAX_ALIASES = 1000;

/** Parses files that have been read already. The order of the documents is that of the text. */
export function parseDocuments(sources: readonly SourceText[]): ParsedSources {
  const documents: SourceDocument[] = [];
  const problems: Problem[] = [];
  for (const source of sources) {
    const split = splitSource(source);
    problems.push(...split.problems);
    for (const segment of split.segments) {
      const parsed = parseSegment(segment.text);
      problems.push(...parsed.problems.map((problem) => placeProblem(problem, segment)));
      for (const document of parsed.documents) {
        const positionOf: SourceDocument['positionOf'] = (steps, part) =>
          placePosition(document.positionOf(steps, part), segment);
        documents.push({ ...document, positionOf });
      }
    }
  }
  return { documents, problems };
}

/** Where a segment stands: its file, and how many lines of the file are above it. */
export interface SegmentPlace {
  readonly file: string;
  readonly linesAbove: number;
}

/** The text between two `---` lines of a file. */
export interface Segment extends SegmentPlace {
  readonly text: string;
}

/** Cuts a file that is not too large; segments without content are left out. */
export function splitSource({ file, text }: SourceText): {
  segments: readonly Segment[];
  problems: readonly Problem[];
} {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    const message = `file is larger than ${MAX_FILE_BYTES} bytes`;
    const position = { file, line: 1, column: 1 };
    return {
      segments: [],
      problems: [fileProblem('file-too-large', message, 'Split it into several files.', position)],
    };
  }
  const segments = splitDocuments(file, text.replace(/^\uFEFF/, ''));
  return { segments: segments.filter((segment) => segment.text.trim() !== ''), problems: [] };
}

/** The documents of one segment. Their positions, and those of the problems, are in no file and count from its own start. */
export function parseSegment(text: string): ParsedSources {
  const reader = new SegmentReader(text);
  reader.read();
  return reader;
}

/** Position in a segment -> position in its file. */
export function placePosition({ line, column }: SourcePosition, { file, linesAbove }: SegmentPlace): SourcePosition {
  return { file, line: linesAbove + line, column };
}

/** Problem of a segment -> problem of its file. */
export function placeProblem(problem: Problem, place: SegmentPlace): Problem {
  return { ...problem, position: placePosition(problem.position, place) };
}

/**
 * Cuts a file at its `---` lines. YAML forbids such a line inside any scalar, so this never cuts a document, and it keeps
 * a quote that is never closed from swallowing the documents behind it. Directives stay with the document they introduce.
 */
function splitDocuments(file: string, text: string): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  let linesAbove = 0;
  for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) {
    const before = text.slice(start, index);
    if (hasDirectivesOnly(before)) continue;
    segments.push({ file, text: before, linesAbove });
    linesAbove += lineEndCount(before);
    start = index;
  }
  segments.push({ file, text: text.slice(start), linesAbove });
  return segments;
}

function lineEndCount(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function hasDirectivesOnly(text: string): boolean {
  if (!/^%/m.test(text)) return false;
  return text.split('\n').every((line) => line.trim() === '' || line.startsWith('%') || line.startsWith('#'));
}

const SEGMENT_START: LinePlace = { line: 1, column: 1 };

/** Reads a segment; a `...` line inside may still make it several documents. */
class SegmentReader {
  readonly documents: SourceDocument[] = [];
  readonly problems: Problem[] = [];
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  read(): void {
    if (isNestedTooDeeply(this.#text)) {
      this.#report(SEGMENT_START, 'yaml-too-deep', TOO_DEEP, SHALLOW);
      return;
    }
    try {
      const lines = new LineCounter();
      const options = { merge: true, prettyErrors: false, logLevel: 'error', lineCounter: lines } as const;
      const documents = parseAllDocuments(this.#text, options);
      if (Array.isArray(documents)) for (const document of documents) this.#addDocument(document, lines);
    } catch (fault) {
      this.#reportThrown(SEGMENT_START, fault);
    }
  }

  #addDocument(document: Document.Parsed, lines: LineCounter): void {
    for (const error of document.errors.slice(0, MAX_ERRORS)) {
      const place = placeOf(error.pos[0], lines.lineStarts);
      if (error.code === 'DUPLICATE_KEY') {
        const hint = 'Keep one of the two; which one counts is undefined.';
        this.#report(place, 'duplicate-key', 'a key appears twice in one object', hint);
      } else {
        this.#report(place, 'yaml-syntax', `not valid YAML: ${error.message}`, '');
      }
    }
    if (document.errors.length > 0 || document.contents === null) return;
    const place = placeOf(document.contents.range[0], lines.lineStarts);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (fault) {
      this.#reportThrown(place, fault);
      return;
    }
    if (value === null) return;
    if (isDeeperThan(value, MAX_DEPTH)) this.#report(place, 'yaml-too-deep', TOO_DEEP, SHALLOW);
    else this.#addObject(value, new PositionIndex(document.contents, lines), 0);
  }

  /** Adds the object that stands at a node of the document, or every item of a List. */
  #addObject(value: unknown, positions: PositionIndex, node: number): void {
    const positionOf = locatorOf(positions, node);
    const refuse: Refuse = (steps, code, message, hint) => {
      this.problems.push(fileProblem(code, message, hint, positionOf(steps)));
    };
    if (!isObject(value)) {
      refuse([], 'not-an-object', `document is not an object (${describe(value)})`, 'Start with apiVersion and kind.');
      return;
    }
    const { apiVersion, kind, metadata } = value;
    const hasVersion = typeof apiVersion === 'string' && apiVersion !== '';
    const hasKind = typeof kind === 'string' && kind !== '';
    if (!hasVersion) {
      refuse(
        ['apiVersion'],
        'missing-api-version',
        'apiVersion is missing',
        'Write one, such as networking.istio.io/v1.',
      );
    }
    if (!hasKind) refuse(['kind'], 'missing-kind', 'kind is missing', 'Write one, such as VirtualService.');
    if (!hasVersion || !hasKind) return;
    if (kind.endsWith('List') && (Array.isArray(value['items']) || kind === 'List')) {
      this.#addItems(value['items'], positions, node, refuse);
      return;
    }
    const name = isObject(metadata) ? metadata['name'] : undefined;
    if (typeof name !== 'string' || name === '') {
      const text = `metadata.name is missing (${kind})`;
      refuse(['metadata', 'name'], 'missing-name', text, 'Give the object a name; generateName is not supported.');
      return;
    }
    this.documents.push({ apiVersion, kind, name, value, positionOf });
  }

  #addItems(items: unknown, positions: PositionIndex, list: number, refuse: Refuse): void {
    if (items === undefined || items === null) return;
    if (!Array.isArray(items)) {
      refuse(['items'], 'not-an-object', `items of a List is not a list (${describe(items)})`, '');
      return;
    }
    const nodes = positions.listItems(list, 'items');
    items.forEach((item: unknown, index) => this.#addObject(item, positions, nodes[index] ?? list));
  }

  #reportThrown(place: LinePlace, fault: unknown): void {
    const message = fault instanceof Error ? fault.message : String(fault);
    if (fault instanceof ReferenceError && message.includes('alias count')) {
      this.#report(place, 'yaml-alias-bomb', 'aliases expand to too many nodes', '');
    } else {
      this.#report(place, 'yaml-syntax', `not valid YAML: ${message}`, '');
    }
  }

  #report(place: LinePlace, code: ProblemCode, message: string, hint: string): void {
    this.problems.push(fileProblem(code, message, hint, { file: '', ...place }));
  }
}

/** A function of its own: a closure made among others would keep what they use too, here every value of the document. */
function locatorOf(positions: PositionIndex, node: number): SourceDocument['positionOf'] {
  return (steps, part = 'value') => ({ file: '', ...positions.locate(node, steps, part) });
}

type Refuse = (steps: readonly PathStep[], code: ProblemCode, message: string, hint: string) => void;

/** A Problem of a whole file or document, which no resource can be named for. */
export function fileProblem(code: ProblemCode, message: string, hint: string, position: SourcePosition): Problem {
  return { severity: 'error', code, message, hint, path: '', position };
}

/** True for an object of JSON, not for null and lists. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return value === null ? 'null' : `a ${typeof value}`;
}

/** Stops at the limit, so a structure that contains itself ends too. */
function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((child) => isDeeperThan(child, depth - 1));
}

/**
 * Looks at tokens only: the parser recurses, and V8 ends the whole process when a regular expression is compiled with the
 * stack nearly full. A level of block style costs an indicator or columns at the start of its line.
 */
function isNestedTooDeeply(text: string): boolean {
  if (text.split(/[[{]/, MAX_DEPTH).length < MAX_DEPTH && !LONG_LINE.test(text)) return false;
  let flowDepth = 0;
  let lineDepth = 0;
  for (const source of new Lexer().lex(text)) {
    const type = CST.tokenType(source);
    if (type === 'flow-map-start' || type === 'flow-seq-start') flowDepth += 1;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') flowDepth -= 1;
    else if (type === 'newline') lineDepth = 0;
    else if (type === 'space' && lineDepth === 0 && flowDepth === 0) lineDepth = source.length / COLUMNS_PER_LEVEL;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind') lineDepth += 1;
    if (flowDepth > MAX_DEPTH) return true;
    // In flow style, `:` nests nothing, and a file of JSON is one line with thousands of them.
    if (flowDepth === 0 && lineDepth > MAX_DEPTH) return true;
  }
  return false;
}
