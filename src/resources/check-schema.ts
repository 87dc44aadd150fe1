// SPDX-License-Identifier: Apache-2.0
/**
 * A value of a resource and its schema table -> a copy that holds only what the table allows, plus Problems. Going on with
 * the rest of a faulty resource is what lets one run report everything; the resource itself is quarantined later.
 */
import { isObject } from './documents.js';
import { show } from './findings.js';
import type { Place } from './findings.js';
import { suggestion } from './nearest-name.js';
import { FORMATS } from './schema/formats.js';
import type { Format } from './schema/formats.js';
import type { FieldSchema, MessageSchema, ValueSchema } from './schema/schema.js';

/** Walks a message. `quiet` is set inside a field that is not executed as a whole: one warning for it is enough. */
export function checkMessage(schema: MessageSchema, value: unknown, place: Place, quiet: boolean = false): unknown {
  if (!isObject(value)) {
    reportType('an object', value, place);
    return undefined;
  }
  const result: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    const row = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
    if (row === undefined) {
      if (schema.open !== true) reportUnknown(name, schema, place);
      continue;
    }
    // The API server drops a null field, so it says nothing. In lists and maps a null is refused.
    if (child === null || child === undefined) continue;
    const fieldPlace = place.at(name);
    reportStatus(name, row, fieldPlace, quiet);
    // A field that did not pass stays as a key, so that the rules below do not call it missing.
    result[name] = checkValue(row.value, child, fieldPlace, quiet || row.status !== 'executed');
  }
  for (const [name, row] of Object.entries(schema.fields)) {
    if (row.required && (value[name] === undefined || value[name] === null)) {
      place.at(name).report('missing-field', `${name} is required`, row.doc);
    }
    if (row.fallback !== undefined && (value[name] === undefined || value[name] === null)) {
      // Checked like a written value: the default may be one that is not executed.
      result[name] = checkValue(row.value, row.fallback, place.at(name), quiet);
    }
  }
  for (const group of schema.oneofs ?? []) {
    const set = group.filter((name) => value[name] !== undefined && value[name] !== null);
    if (set.length > 1) place.report('oneof-conflict', `${set.join(' and ')} are both set`, 'Keep only one of them.');
  }
  schema.check?.(result as never, place);
  return schema.normalize === undefined ? result : schema.normalize(result as never);
}

function checkValue(schema: ValueSchema, value: unknown, place: Place, quiet: boolean): unknown {
  switch (schema.kind) {
    case 'message':
      return checkMessage(schema.message, value, place, quiet);
    case 'list':
      return checkList(schema, value, place, quiet);
    case 'map':
      return checkMap(schema, value, place, quiet);
    case 'string':
      return checkString(schema, value, place);
    case 'enum':
      return checkEnum(schema, value, place, quiet);
    case 'number':
      return checkNumber(schema, value, place);
    case 'port-or-name':
      if (typeof value === 'number') return checkNumber({ integer: true, min: 1, max: 65_535 }, value, place);
      if (typeof value === 'string' && value !== '') return value;
      return reportType('a port number or name', value, place);
    case 'boolean':
      return typeof value === 'boolean' ? value : reportType('true or false', value, place);
  }
}

function checkList(schema: ValueSchema & { kind: 'list' }, value: unknown, place: Place, quiet: boolean): unknown {
  if (!Array.isArray(value)) return reportType('a list', value, place);
  const items = value as unknown[];
  if (items.length < schema.min)
    place.report('missing-field', `has ${items.length} entries`, `Give at least ${schema.min}.`);
  if (items.length > schema.max) place.report('too-many', `has ${items.length} entries (at most ${schema.max})`);
  return items.map((item, index) => {
    if (item === null || item === undefined) {
      place.at(index).report('null-value', 'list entry is null', 'Remove the entry or fill it in.');
      return undefined;
    }
    return checkValue(schema.of, item, place.at(index), quiet);
  });
}

function checkMap(schema: ValueSchema & { kind: 'map' }, value: unknown, place: Place, quiet: boolean): unknown {
  if (!isObject(value)) return reportType('an object', value, place);
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    const childPlace = place.at(key);
    const fault = schema.keyFormat === undefined ? undefined : FORMATS[schema.keyFormat](key);
    if (fault !== undefined) childPlace.reportKey(fault.code, `key ${fault.message} (${show(key)})`, fault.hint);
    let checked: unknown = schema.nullable ? null : undefined;
    if (child !== null) checked = checkValue(schema.of, child, childPlace, quiet);
    else if (!schema.nullable)
      childPlace.report('null-value', `value is null (${key})`, 'Remove the key or fill it in.');
    // Defined, not assigned: a key may be called __proto__.
    Object.defineProperty(result, key, { value: checked, enumerable: true, writable: true, configurable: true });
  }
  return result;
}

function checkString(schema: { format?: Format; nonEmpty: boolean }, value: unknown, place: Place): string | undefined {
  if (typeof value !== 'string') return reportType('a string', value, place);
  if (schema.nonEmpty && value === '') place.report('empty-value', 'is empty');
  const fault = schema.format === undefined ? undefined : FORMATS[schema.format](value);
  if (fault === undefined) return value;
  place.report(fault.code, `${fault.message} (${show(value)})`, fault.hint);
  return undefined;
}

function checkEnum(schema: ValueSchema & { kind: 'enum' }, value: unknown, place: Place, quiet: boolean): unknown {
  if (typeof value !== 'string') return reportType(`one of ${schema.values.join(', ')}`, value, place);
  if (!schema.values.includes(value)) {
    const nearest = suggestion(value, schema.values);
    place.report(
      'invalid-enum',
      `unknown value (${show(value)})`,
      `${nearest} Allowed: ${schema.values.join(', ')}.`.trim(),
    );
    return undefined;
  }
  if (!quiet && schema.notExecuted.includes(value)) {
    place.report('not-executed', `value is valid but not executed by Weft yet (${value})`);
  }
  return value;
}

function checkNumber(
  schema: { readonly integer: boolean; readonly min: number; readonly max: number },
  value: unknown,
  place: Place,
): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value) || (schema.integer && !Number.isInteger(value))) {
    return reportType(schema.integer ? 'a whole number' : 'a number', value, place);
  }
  if (value >= schema.min && value <= schema.max) return value;
  const range = schema.max >= 2 ** 31 - 1 ? `at least ${schema.min}` : `in ${schema.min}..${schema.max}`;
  place.report('out-of-range', `must be ${range} (${value})`);
  return undefined;
}

function reportType(expected: string, value: unknown, place: Place): undefined {
  const isUnquoted = expected === 'a string' && (typeof value === 'number' || typeof value === 'boolean');
  const hint = isUnquoted ? `Put it in quotes: "${String(value)}".` : '';
  place.report('wrong-type', `must be ${expected} (${show(value)})`, hint);
  return undefined;
}

function reportUnknown(name: string, schema: MessageSchema, place: Place): void {
  const nearest = suggestion(name, Object.keys(schema.fields));
  const hint = nearest === '' ? `Known fields: ${Object.keys(schema.fields).join(', ')}.` : nearest;
  place.at(name).reportKey('unknown-field', `unknown field (${show(name)}), which is ignored`, hint);
}

function reportStatus(name: string, row: FieldSchema, place: Place, quiet: boolean): void {
  if (row.deprecated !== undefined) place.reportKey('deprecated-field', `${name} is deprecated`, row.deprecated);
  if (row.status === 'not-executed' && !quiet) {
    place.reportKey('not-executed', `${name} is valid but not executed by Weft yet`, row.doc);
  } else if (row.status === 'no-effect') {
    place.reportKey('no-effect', `${name} has no effect, in Istio as in Weft`, 'Remove the field.');
  }
}
