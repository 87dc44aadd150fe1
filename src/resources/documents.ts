// SPDX-License-Identifier: Apache-2.0
/**
 * Text of configuration files -> Kubernetes-style objects with the position of every field, and the Problems of what is
 * none. Each document of a file is parsed by itself, so that a broken one hides no other; `List` objects are unrolled.
 * YAML 1.2 with merge keys is read (JSON is a subset); parsing keeps the nodes, because a later check names a JSON path
 * and the person wants a line.
 */
import { CST, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import type { PathStep } from './json-path.js';
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
    const reader = new FileReader(source.file);
    reader.read(source.text);
    documents.push(...reader.documents);
    problems.push(...reader.problems);
  }
  return { documents, problems };
}

/** The text of one document of a file, and how many lines of the file stand above it. */
interface Segment {
  readonly text: string;
  readonly linesAbove: number;
}

/**
 * Cuts a file at its `---` lines. YAML forbids such a line inside any scalar, so this never cuts a document, and it keeps
 * a quote that is never closed from swallowing the documents behind it. Directives stay with the document they introduce.
 */
function splitDocuments(text: string): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  let linesAbove = 0;
  let line = 0;
  const marker = /^---(?=\s|$)|\n/gm;
  for (let found = marker.exec(text); found !== null; found = marker.exec(text)) {
    if (found[0] === '\n') {
      line += 1;
      continue;
    }
    const before = text.slice(start, found.index);
    if (hasDirectivesOnly(before)) continue;
    segments.push({ text: before, linesAbove });
    start = found.index;
    linesAbove = line;
  }
  segments.push({ text: text.slice(start), linesAbove });
  return segments;
}

function hasDirectivesOnly(text: string): boolean {
  if (!/^%/m.test(text)) return false;
  return text.split('\n').every((line) => line.trim() === '' || line.startsWith('%') || line.startsWith('#'));
}

class FileReader {
  readonly documents: SourceDocument[] = [];
  readonly problems: Problem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): void {
    if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
      const message = `file is larger than ${MAX_FILE_BYTES} bytes`;
      const position = { file: this.#file, line: 1, column: 1 };
      this.problems.push(fileProblem('file-too-large', message, 'Split it into several files.', position));
      return;
    }
    for (const segment of splitDocuments(text.replace(/^\uFEFF/, ''))) {
      const reader = new SegmentReader(this.#file, segment, this);
      reader.read();
    }
  }
}

interface ParsedText {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

/**
 * Parses the text between two `---` lines; a `...` line inside may still make it several documents. The nodes take some
 * ten times the memory of the text and only positions need them, so they are held weakly and made again on demand.
 */
class SegmentReader {
  readonly #file: string;
  readonly #segment: Segment;
  readonly #result: FileReader;
  #kept: WeakRef<ParsedText> | undefined;

  constructor(file: string, segment: Segment, result: FileReader) {
    this.#file = file;
    this.#segment = segment;
    this.#result = result;
  }

  read(): void {
    if (this.#segment.text.trim() === '') return;
    if (isNestedTooDeeply(this.#segment.text)) {
      this.#report({ line: 1, col: 1 }, 'yaml-too-deep', TOO_DEEP, SHALLOW);
      return;
    }
    try {
      const { documents, lines } = this.#parse();
      for (const [index, document] of documents.entries()) this.#addDocument(document, index, lines);
    } catch (fault) {
      this.#reportThrown({ line: 1, col: 1 }, fault);
    }
  }

  #parse(): ParsedText {
    const kept = this.#kept?.deref();
    if (kept !== undefined) return kept;
    const lines = new LineCounter();
    const options = { merge: true, prettyErrors: false, logLevel: 'error', lineCounter: lines } as const;
    const documents = parseAllDocuments(this.#segment.text, options);
    const parsed = { documents: Array.isArray(documents) ? documents : [], lines };
    this.#kept = new WeakRef(parsed);
    return parsed;
  }

  #addDocument(document: Document.Parsed, index: number, lines: LineCounter): void {
    for (const error of document.errors.slice(0, MAX_ERRORS)) {
      const place = lines.linePos(error.pos[0]);
      if (error.code === 'DUPLICATE_KEY') {
        const hint = 'Keep one of the two; which one counts is undefined.';
        this.#report(place, 'duplicate-key', 'a key appears twice in one object', hint);
      } else {
        this.#report(place, 'yaml-syntax', `not valid YAML: ${error.message}`, '');
      }
    }
    if (document.errors.length > 0 || document.contents === null) return;
    const root: Node = document.contents;
    const place = lines.linePos(root.range?.[0] ?? 0);
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (fault) {
      this.#reportThrown(place, fault);
      return;
    }
    if (value === null) return;
    if (isDeeperThan(value, MAX_DEPTH)) this.#report(place, 'yaml-too-deep', TOO_DEEP, SHALLOW);
    else this.#addObject(value, index, []);
  }

  /** Adds the object at a path of the document, or every item of a List. */
  #addObject(value: unknown, index: number, base: readonly PathStep[]): void {
    const positionOf = (steps: readonly PathStep[], part: 'key' | 'value' = 'value'): SourcePosition => {
      const { documents, lines } = this.#parse();
      const document = documents[index];
      return this.#position(lines.linePos(document === undefined ? 0 : offsetOf(document, [...base, ...steps], part)));
    };
    const refuse: Refuse = (steps, code, message, hint) => {
      this.#result.problems.push(fileProblem(code, message, hint, positionOf(steps)));
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
      this.#addItems(value['items'], index, base, refuse);
      return;
    }
    const name = isObject(metadata) ? metadata['name'] : undefined;
    if (typeof name !== 'string' || name === '') {
      const text = `metadata.name is missing (${kind})`;
      refuse(['metadata', 'name'], 'missing-name', text, 'Give the object a name; generateName is not supported.');
      return;
    }
    this.#result.documents.push({ apiVersion, kind, name, value, positionOf });
  }

  #addItems(items: unknown, index: number, base: readonly PathStep[], refuse: Refuse): void {
    if (items === undefined || items === null) return;
    if (!Array.isArray(items)) {
      refuse(['items'], 'not-an-object', `items of a List is not a list (${describe(items)})`, '');
      return;
    }
    items.forEach((item: unknown, position) => this.#addObject(item, index, [...base, 'items', position]));
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
    this.#result.problems.push(fileProblem(code, message, hint, this.#position(place)));
  }

  #position({ line, col }: LinePlace): SourcePosition {
    return { file: this.#file, line: this.#segment.linesAbove + Math.max(1, line), column: Math.max(1, col) };
  }
}

/** A place in the text of a segment, counted from 1. */
interface LinePlace {
  readonly line: number;
  readonly col: number;
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

function offsetOf(document: Document.Parsed, steps: readonly PathStep[], part: 'key' | 'value'): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    const found = childOf(document, node, step);
    if (found === undefined) break;
    const at = last && part === 'key' ? found.key : (found.value ?? found.key);
    offset = at?.range?.[0] ?? offset;
    node = found.value;
  }
  return offset;
}

interface Child {
  readonly key: Node | null;
  readonly value: Node | null;
}

function childOf(document: Document.Parsed, parent: Node | null, step: PathStep): Child | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node)) {
    const item = node.items[Number(step)] as Node | undefined;
    return item === undefined ? undefined : { key: item, value: item };
  }
  if (!isMap(node)) return undefined;
  const pairs = node.items as Pair<Node, Node | null>[];
  const own = pairs.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(step));
  if (own !== undefined) return own;
  for (const { key, value } of pairs) {
    if (!isScalar(key) || (key.value !== '<<' && String(key.source) !== '<<')) continue;
    const merged = isSeq(value) ? (value.items as Node[]) : [value];
    for (const source of merged) {
      const found = childOf(document, source, step);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
