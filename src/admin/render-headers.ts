// SPDX-License-Identifier: Apache-2.0
/** Header operations -> Envoy's *_headers_to_add and *_headers_to_remove, templates in Envoy's %OPERATOR% syntax. */
import type { HeaderOp, TemplatePart } from '../model/model.js';

export function renderHeaderOps(side: 'request' | 'response', operations: readonly HeaderOp[]): object {
  const added: object[] = [];
  const removed: string[] = [];
  for (const operation of operations) {
    if (operation.op === 'remove') removed.push(operation.name);
    else {
      added.push({
        header: { key: operation.name, value: renderTemplate(operation.value) },
        append_action: operation.op === 'add' ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD',
      });
    }
  }
  return {
    ...(added.length === 0 ? {} : { [`${side}_headers_to_add`]: added }),
    ...(removed.length === 0 ? {} : { [`${side}_headers_to_remove`]: removed }),
  };
}

/** The inverse of parsing a template: `%REQ(x-user?x-account):10%`, `%DOWNSTREAM_REMOTE_ADDRESS%`, a percent sign as `%%`. */
export function renderTemplate(parts: readonly TemplatePart[]): string {
  return parts.map(renderPart).join('');
}

function renderPart(part: TemplatePart): string {
  if (part.kind === 'literal') return part.text.replaceAll('%', '%%');
  if (part.kind === 'request-header' || part.kind === 'response-header') {
    const operator = part.kind === 'request-header' ? 'REQ' : 'RESP';
    const alternative = part.alternative === '' ? '' : `?${part.alternative}`;
    const limit = part.maxBytes === 0 ? '' : `:${part.maxBytes}`;
    return `%${operator}(${part.name}${alternative})${limit}%`;
  }
  return `%${part.kind.toUpperCase().replaceAll('-', '_')}%`;
}
