// SPDX-License-Identifier: Apache-2.0
/**
 * A header value in Envoy's substitution syntax (`%REQ(x?y):10% and %PROTOCOL%`) -> template parts. What does not change
 * while the process lives (HOSTNAME, ENVIRONMENT) becomes literal text here, so the engine never sees it. Envoy would
 * refuse a whole route table for one unknown operator; Weft keeps the text and lets the caller warn.
 */
import type { TemplateFact, TemplatePart } from '../model/model.js';
import type { ReadEnvironment } from './proxy-node.js';

export interface ParsedTemplate {
  readonly parts: readonly TemplatePart[];
  /** Operators that are not known, and stray percent signs, as written. */
  readonly unknown: readonly string[];
}

const FACTS: Readonly<Record<string, TemplateFact>> = {
  DOWNSTREAM_REMOTE_ADDRESS: 'downstream-remote-address',
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: 'downstream-remote-address-without-port',
  DOWNSTREAM_LOCAL_ADDRESS: 'downstream-local-address',
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: 'downstream-local-address-without-port',
  DOWNSTREAM_LOCAL_PORT: 'downstream-local-port',
  UPSTREAM_REMOTE_ADDRESS: 'upstream-remote-address',
  UPSTREAM_CLUSTER: 'upstream-cluster',
  PROTOCOL: 'protocol',
  START_TIME: 'start-time',
  HOSTNAME: 'hostname',
  ROUTE_NAME: 'route-name',
  RESPONSE_CODE: 'response-code',
};

const OPERATOR = /%([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::(\d+))?%/y;

/** Envoy's text for a value that is not there. */
const ABSENT = '-';

/** `read` gives environment variables; HOSTNAME stays a fact of the running process where it is not set. */
export function parseTemplate(value: string, read: ReadEnvironment): ParsedTemplate {
  const parts: TemplatePart[] = [];
  const unknown: string[] = [];
  let literal = '';
  let at = 0;
  while (at < value.length) {
    const percent = value.indexOf('%', at);
    if (percent < 0) break;
    literal += value.slice(at, percent);
    if (value[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    OPERATOR.lastIndex = percent;
    const operator = OPERATOR.exec(value);
    const text = operator?.[0] ?? '%';
    const part = operator === null ? undefined : partOf(operator, read);
    if (part === undefined) {
      unknown.push(text);
      literal += text;
    } else if (part.kind === 'literal') {
      literal += part.text;
    } else {
      if (literal !== '') parts.push({ kind: 'literal', text: literal });
      literal = '';
      parts.push(part);
    }
    at = percent + text.length;
  }
  literal += value.slice(at);
  if (literal !== '') parts.push({ kind: 'literal', text: literal });
  return { parts, unknown };
}

function partOf(operator: RegExpExecArray, read: ReadEnvironment): TemplatePart | undefined {
  const [, name = '', argument, max] = operator;
  if (name === 'REQ' || name === 'RESP') {
    const [header = '', alternative = ''] = (argument ?? '').toLowerCase().split('?');
    if (header === '') return undefined;
    const kind = name === 'REQ' ? 'request-header' : 'response-header';
    return { kind, name: header, alternative, maxBytes: Number(max ?? 0) };
  }
  if (max !== undefined) return undefined;
  if (name === 'ENVIRONMENT') {
    return argument === undefined || argument === '' ? undefined : { kind: 'literal', text: read(argument) ?? ABSENT };
  }
  const fact = FACTS[name];
  if (fact === undefined || (argument !== undefined && argument !== '')) return undefined;
  const hostname = fact === 'hostname' ? read('HOSTNAME') : undefined;
  return hostname === undefined ? { kind: fact } : { kind: 'literal', text: hostname };
}
