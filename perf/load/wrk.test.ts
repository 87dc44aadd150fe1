// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { luaOf, parseWrk } from './wrk.js';

function outputWith(changed: object): string {
  const figures = {
    requests: 300,
    microseconds: 3_000_000,
    p50Us: 1,
    p90Us: 2,
    p99Us: 3,
    p999Us: 4,
    errors: { connect: 0, read: 0, write: 0, status: 0, timeout: 0 },
  };
  return `Running 3s test\nfigures ${JSON.stringify({ ...figures, ...changed })}\n`;
}

describe('what wrk printed', () => {
  it('becomes figures', () => {
    expect(parseWrk(outputWith({}))).toEqual({ requests: 300, seconds: 3, p50Us: 1, p90Us: 2, p99Us: 3, p999Us: 4 });
  });

  it('is no measurement when a request failed', () => {
    const errors = { connect: 0, read: 0, write: 0, status: 2, timeout: 1 };
    expect(() => parseWrk(outputWith({ errors }))).toThrow('failed requests: 2 status, 1 timeout');
  });

  it('is no measurement without answers or figures', () => {
    expect(() => parseWrk(outputWith({ requests: 0 }))).toThrow('no request was answered');
    expect(() => parseWrk('unable to connect')).toThrow('no figures');
  });
});

describe('the script', () => {
  it('repeats a pipelined request and asks for closing where wanted', () => {
    const base = { port: 1, connections: 1, seconds: 1, paths: ['/a'], headers: {} };
    expect(luaOf({ ...base, pipeline: 16 })).toContain('body), 16)');
    expect(luaOf({ ...base, newConnections: true })).toContain('["connection"] = "close"');
    expect(luaOf(base)).not.toContain('close');
  });
});
