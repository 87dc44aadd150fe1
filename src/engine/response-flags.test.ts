// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FLAG_DI, FLAG_FI, FLAG_OM, FLAG_UF, FLAG_UH, FLAG_URX, FLAG_UT } from '../../assembly/layout.js';
import { formatResponseFlags, parseResponseFlags, reasonOfFlags } from './response-flags.js';

describe('response flags', () => {
  it('prints a dash for none', () => {
    expect(formatResponseFlags(0)).toBe('-');
    expect(parseResponseFlags('-')).toBe(0);
  });

  it("joins several in Envoy's order, not in the order of the bits", () => {
    expect(formatResponseFlags(FLAG_URX | FLAG_UF)).toBe('UF,URX');
    expect(formatResponseFlags(FLAG_UF | FLAG_UH)).toBe('UH,UF');
    expect(formatResponseFlags(FLAG_URX | FLAG_UT)).toBe('UT,URX');
  });

  it('reads back every single bit and every pair', () => {
    for (let first = 1; first <= FLAG_OM; first <<= 1) {
      for (let second = 1; second <= FLAG_OM; second <<= 1) {
        const text = formatResponseFlags(first | second);
        expect(text).not.toBe('-');
        expect(parseResponseFlags(text)).toBe(first | second);
      }
    }
  });

  it('does not guess at letters that it does not know', () => {
    expect(parseResponseFlags('UH,XX')).toBeUndefined();
    expect(parseResponseFlags('')).toBeUndefined();
    expect(reasonOfFlags('XX')).toBe('other');
  });

  it('names one reason, and a delay only when nothing else happened', () => {
    expect(reasonOfFlags('-')).toBe('none');
    expect(reasonOfFlags('UF,URX')).toBe('upstream_connection_failure');
    expect(reasonOfFlags(formatResponseFlags(FLAG_DI | FLAG_FI))).toBe('fault_injected');
    expect(reasonOfFlags('DI')).toBe('delay_injected');
  });
});
