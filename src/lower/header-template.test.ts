// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate } from './header-template.js';

const parse = (value: string, environment: Record<string, string> = {}): ReturnType<typeof parseTemplate> =>
  parseTemplate(value, (name) => environment[name]);

describe('parseTemplate', () => {
  it('keeps any text whose percent signs are doubled', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const { parts, unknown } = parse(text.replaceAll('%', '%%'));
        expect(parts).toEqual([{ kind: 'literal', text }]);
        expect(unknown).toEqual([]);
      }),
    );
  });

  it('loses nothing of a text that it does not understand', () => {
    // Without doubled signs: in `%A%%B%` they end one operator and begin the next.
    const unknown = fc.stringMatching(/^[%A-C()?:0-9]{1,20}$/).filter((value) => !value.includes('%%'));
    fc.assert(
      fc.property(unknown, (value) => {
        expect(parse(value).parts).toEqual([{ kind: 'literal', text: value }]);
      }),
    );
  });

  it('reads header operators with alternative and length', () => {
    expect(parse('%REQ(:Path?X-Path):20%%RESP(Server)%').parts).toEqual([
      { kind: 'request-header', name: ':path', alternative: 'x-path', maxBytes: 20 },
      { kind: 'response-header', name: 'server', alternative: '', maxBytes: 0 },
    ]);
  });

  it('settles the environment and the host name at once', () => {
    const { parts } = parse('%ENVIRONMENT(A)%/%ENVIRONMENT(B)%/%HOSTNAME%', { A: 'one', HOSTNAME: 'box' });
    expect(parts).toEqual([{ kind: 'literal', text: 'one/-/box' }]);
  });

  it('leaves the host name to the running process where the environment has none', () => {
    expect(parse('%HOSTNAME%').parts).toEqual([{ kind: 'hostname' }]);
  });

  it.each(['%NOPE%', '%REQ()%', '%START_TIME(%Y)%', '%PROTOCOL:3%', '%ENVIRONMENT()%'])(
    'reports %s and keeps it as text',
    (value) => {
      const { parts, unknown } = parse(value);
      expect(parts).toEqual([{ kind: 'literal', text: value }]);
      expect(unknown.length).toBeGreaterThan(0);
    },
  );
});
