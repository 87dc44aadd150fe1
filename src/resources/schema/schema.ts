// SPDX-License-Identifier: Apache-2.0
/**
 * The vocabulary of the schema tables: what a field of a resource may hold and how much of it Weft executes. Tables are
 * data, so that one walker validates every kind and the list of supported fields is printed from the same source.
 */
import type { Place } from '../findings.js';
import type { Format } from './formats.js';

/**
 * `executed`: Weft does what the field says. `not-executed`: valid Istio that Weft does not execute yet, so its use is a
 * warning. `no-effect`: Istio itself accepts the field and ignores it. `refused`: in the schema, but a rule refuses it.
 */
export type ExecutionStatus = 'executed' | 'not-executed' | 'no-effect' | 'refused';

export interface FieldSchema {
  readonly value: ValueSchema;
  readonly doc: string;
  readonly status: ExecutionStatus;
  readonly required: boolean;
  /** Filled in when the field is absent. */
  readonly fallback?: string | number | boolean;
  /** Values of an executed field that a rule accepts with a warning only, for the list of supported fields. */
  readonly acceptedOnly?: string;
  /** What to use instead; its presence makes the field's use a warning. */
  readonly deprecated?: string;
}

export type ValueSchema =
  | { readonly kind: 'string'; readonly format?: Format; readonly nonEmpty: boolean }
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly notExecuted: readonly string[] }
  | { readonly kind: 'number'; readonly integer: boolean; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** A port number, or the name of a container port. */
  | { readonly kind: 'port-or-name' }
  | { readonly kind: 'list'; readonly of: ValueSchema; readonly min: number; readonly max: number }
  | { readonly kind: 'map'; readonly of: ValueSchema; readonly keyFormat?: Format; readonly nullable: boolean }
  | { readonly kind: 'message'; readonly message: MessageSchema };

export interface MessageSchema {
  readonly fields: Readonly<Record<string, FieldSchema>>;
  /** Groups of fields of which at most one may be set. */
  readonly oneofs?: readonly (readonly string[])[];
  /** True for Kubernetes' own kinds: they have many fields that routing does not read, so unknown ones are no news. */
  readonly open?: boolean;
  /** Rules that the table cannot say; called with the fields that passed it. */
  readonly check?: (value: never, place: Place) => void;
  /** Rewrites an accepted spelling to the one that later stages know. */
  readonly normalize?: (value: never) => unknown;
}

type FieldOptions = Partial<Omit<FieldSchema, 'value' | 'doc'>>;

/** A row of a table: what the field holds, what it does in one line, and what is special about it. */
export function field(value: ValueSchema, doc: string, options: FieldOptions = {}): FieldSchema {
  return { value, doc, status: 'executed', required: false, ...options };
}

/** Options for fields that are valid Istio and not executed by Weft. */
export const NOT_EXECUTED = { status: 'not-executed' } as const;

/** Options for fields that exist in Istio's schema only to be refused. */
export const REFUSED = { status: 'refused' } as const;

/** Options for fields that must be there. */
export const REQUIRED = { required: true } as const;

export function string(format?: Format): ValueSchema {
  return format === undefined ? { kind: 'string', nonEmpty: false } : { kind: 'string', format, nonEmpty: false };
}

export function nonEmptyString(): ValueSchema {
  return { kind: 'string', nonEmpty: true };
}

export function boolean(): ValueSchema {
  return { kind: 'boolean' };
}

/** Upper-case names as in Istio's protobuf; `notExecuted` are the values that Weft knows and does not execute. */
export function oneOf(values: readonly string[], notExecuted: readonly string[] = []): ValueSchema {
  return { kind: 'enum', values, notExecuted };
}

export function integer(min: number = 0, max: number = 0xffff_ffff): ValueSchema {
  return { kind: 'number', integer: true, min, max };
}

export function number(min: number, max: number): ValueSchema {
  return { kind: 'number', integer: false, min, max };
}

export function port(): ValueSchema {
  return integer(1, 65_535);
}

export function portOrName(): ValueSchema {
  return { kind: 'port-or-name' };
}

export function list(of: ValueSchema, min: number = 0, max: number = Number.POSITIVE_INFINITY): ValueSchema {
  return { kind: 'list', of, min, max };
}

export function map(of: ValueSchema, keyFormat?: Format, nullable: boolean = false): ValueSchema {
  return keyFormat === undefined ? { kind: 'map', of, nullable } : { kind: 'map', of, keyFormat, nullable };
}

/** Labels of a workload: Kubernetes label syntax for keys and values. */
export function labels(): ValueSchema {
  return map(string('label-value'), 'label-key');
}

/** Labels that select workloads: as labels, with a fault of their own for wildcards. */
export function selector(): ValueSchema {
  return map(string('selector-value'), 'selector-key');
}

export function message(fields: MessageSchema['fields'], rest: Omit<MessageSchema, 'fields'> = {}): ValueSchema {
  return { kind: 'message', message: { fields, ...rest } };
}
