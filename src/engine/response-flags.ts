// SPDX-License-Identifier: Apache-2.0
/**
 * Response flags: the engine's bits <-> the letters of Envoy's %RESPONSE_FLAGS%, and the reason that metrics show.
 *
 * Several flags are joined by ',' in Envoy's own order (its CoreResponseFlag enumeration), whatever order they were set in,
 * so that one outcome always is one string: dashboards group by it.
 */
import {
  FLAG_DC,
  FLAG_DI,
  FLAG_DPE,
  FLAG_DT,
  FLAG_FI,
  FLAG_LR,
  FLAG_NC,
  FLAG_NR,
  FLAG_OM,
  FLAG_SI,
  FLAG_UC,
  FLAG_UF,
  FLAG_UH,
  FLAG_UO,
  FLAG_UPE,
  FLAG_UR,
  FLAG_URX,
  FLAG_UT,
} from '../../assembly/layout.js';

interface ResponseFlag {
  readonly bit: number;
  readonly letters: string;
  /** Envoy's %RESPONSE_FLAGS_LONG% in snake case: the `reason` label of weft_responses_total. */
  readonly reason: string;
}

const FLAGS: readonly ResponseFlag[] = [
  { bit: FLAG_UH, letters: 'UH', reason: 'no_healthy_upstream' },
  { bit: FLAG_UT, letters: 'UT', reason: 'upstream_request_timeout' },
  { bit: FLAG_LR, letters: 'LR', reason: 'local_reset' },
  { bit: FLAG_UR, letters: 'UR', reason: 'upstream_remote_reset' },
  { bit: FLAG_UF, letters: 'UF', reason: 'upstream_connection_failure' },
  { bit: FLAG_UC, letters: 'UC', reason: 'upstream_connection_termination' },
  { bit: FLAG_UO, letters: 'UO', reason: 'upstream_overflow' },
  { bit: FLAG_NR, letters: 'NR', reason: 'no_route_found' },
  { bit: FLAG_DI, letters: 'DI', reason: 'delay_injected' },
  { bit: FLAG_FI, letters: 'FI', reason: 'fault_injected' },
  { bit: FLAG_DC, letters: 'DC', reason: 'downstream_connection_termination' },
  { bit: FLAG_URX, letters: 'URX', reason: 'upstream_retry_limit_exceeded' },
  { bit: FLAG_DPE, letters: 'DPE', reason: 'downstream_protocol_error' },
  { bit: FLAG_SI, letters: 'SI', reason: 'stream_idle_timeout' },
  { bit: FLAG_DT, letters: 'DT', reason: 'duration_timeout' },
  { bit: FLAG_UPE, letters: 'UPE', reason: 'upstream_protocol_error' },
  { bit: FLAG_NC, letters: 'NC', reason: 'no_cluster_found' },
  { bit: FLAG_OM, letters: 'OM', reason: 'overload_manager' },
];

/** FLAG_* bits -> `UH`, `UF,URX`, or '-' for none. Bits that no flag has are ignored. */
export function formatResponseFlags(bits: number): string {
  let text = '';
  for (const flag of FLAGS) {
    if ((bits & flag.bit) !== 0) text += text === '' ? flag.letters : `,${flag.letters}`;
  }
  return text === '' ? '-' : text;
}

/** The inverse of formatResponseFlags; the order of the letters does not matter. Undefined when a flag is not known. */
export function parseResponseFlags(text: string): number | undefined {
  if (text === '-') return 0;
  let bits = 0;
  for (const letters of text.split(',')) {
    const flag = FLAGS.find((candidate) => candidate.letters === letters);
    if (flag === undefined) return undefined;
    bits |= flag.bit;
  }
  return bits;
}

/**
 * The one reason of an outcome: that of the first flag, `none` for '-', `other` for letters that are not known. An injected
 * delay does not decide an outcome, so it is the reason only when it is the only flag.
 */
export function reasonOfFlags(text: string): string {
  if (text === '-') return 'none';
  const letters = text.split(',');
  const deciding = letters.find((flag) => flag !== 'DI') ?? 'DI';
  return FLAGS.find((flag) => flag.letters === deciding)?.reason ?? 'other';
}
