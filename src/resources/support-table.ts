// SPDX-License-Identifier: Apache-2.0
/**
 * The schema tables -> the list of what Weft executes, as Markdown for the README. One row per object of a resource, as
 * one per field would be hundreds; an object that is used again in the same kind is listed once.
 */
import { markdownTable } from './markdown-table.js';
import { KINDS } from './schema/kinds.js';
import type { FieldSchema, MessageSchema, ValueSchema } from './schema/schema.js';

/** The table: kind, path of the object, fields that are executed, fields and values that are accepted only. */
export function supportTable(): string {
  const rows = [['Kind', 'Object', 'Executed', 'Accepted with a warning, not executed']];
  for (const { kind, layout, spec } of KINDS) {
    const root = layout === 'top-level' ? '' : 'spec';
    for (const { path, executed, accepted } of rowsOf(spec, root, new Set())) {
      rows.push([kind, path === '' ? '' : `\`${path}\``, executed, accepted]);
    }
  }
  return markdownTable(rows).join('\n');
}

interface Row {
  readonly path: string;
  readonly executed: string;
  readonly accepted: string;
}

function* rowsOf(message: MessageSchema, path: string, seen: Set<MessageSchema>): Generator<Row> {
  if (seen.has(message) || Object.keys(message.fields).length === 0) return;
  seen.add(message);
  const entries = Object.entries(message.fields);
  const executed = entries.filter(([, row]) => row.status === 'executed');
  yield {
    path,
    executed: executed.map(([name]) => `\`${name}\``).join(', '),
    accepted: entries.flatMap(([name, row]) => acceptedOnly(name, row)).join(', '),
  };
  for (const [name, row] of executed) yield* nestedRows(row.value, path === '' ? name : `${path}.${name}`, seen);
}

function* nestedRows(value: ValueSchema, path: string, seen: Set<MessageSchema>): Generator<Row> {
  if (value.kind === 'message') yield* rowsOf(value.message, path, seen);
  else if (value.kind === 'list') yield* nestedRows(value.of, `${path}[]`, seen);
  else if (value.kind === 'map') yield* nestedRows(value.of, `${path}{}`, seen);
}

function acceptedOnly(name: string, { status, value, acceptedOnly: values }: FieldSchema): string[] {
  if (status === 'refused') return [];
  if (status !== 'executed') return [`\`${name}\``];
  if (values !== undefined) return [`\`${name}\`: ${values}`];
  if (value.kind === 'enum' && value.notExecuted.length > 0) return [`\`${name}\`: ${value.notExecuted.join(', ')}`];
  return [];
}

const BEGIN = '<!-- support:begin -->';
const END = '<!-- support:end -->';

/** The README with its marked part replaced by the table; unchanged when it has no marks. */
export function replaceSupportTable(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END, begin);
  if (begin < 0 || end < 0) return readme;
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${supportTable()}\n\n${readme.slice(end)}`;
}
