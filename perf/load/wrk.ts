// SPDX-License-Identifier: Apache-2.0
/**
 * wrk as the closed-loop load: a script of ours makes the requests and prints the figures as one JSON line, which has
 * what wrk's own report lacks (p99.9, each kind of error).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './program.js';

export interface ClosedLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Request targets; several are hit at random. */
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** The header that changes with the target at the same place of `paths`, where targets differ by a header. */
  readonly varying?: { readonly name: string; readonly values: readonly string[] };
  readonly bodyBytes?: number;
  readonly pipeline?: number;
  readonly newConnections?: boolean;
  /** Over TLS, with a full handshake for each connection. */
  readonly isSecure?: boolean;
}

export interface ClosedFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

interface Printed extends Omit<ClosedFigures, 'seconds'> {
  readonly microseconds: number;
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'status' | 'timeout', number>>;
}

const MARK = 'figures ';

/** Writes the script into `directory` and runs it. Rejects when one request failed, or when nothing was measured. */
export async function runWrk(load: ClosedLoad, directory: string, cpus: string | undefined): Promise<ClosedFigures> {
  const script = join(directory, 'load.lua');
  await writeFile(script, luaOf(load));
  const { port, connections, seconds } = load;
  const args = ['-t', '1', '-c', `${connections}`, '-d', `${Math.ceil(seconds)}s`, '--timeout', '10s'];
  const url = `${load.isSecure === true ? 'https' : 'http'}://127.0.0.1:${port}/`;
  return parseWrk(await runProgram('wrk', [...args, '-s', script, url], cpus));
}

/** The figures of wrk's output. Throws when it holds none, when a request failed, or when none succeeded. */
export function parseWrk(output: string): ClosedFigures {
  const line = output.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (line === undefined) throw new Error(`wrk printed no figures:\n${output}`);
  const { microseconds, errors, ...figures } = JSON.parse(line.slice(MARK.length)) as Printed;
  const failures = Object.entries(errors).filter(([, count]) => count > 0);
  if (failures.length > 0) {
    throw new Error(`failed requests: ${failures.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  }
  if (!(figures.requests > 0) || !(microseconds > 0)) throw new Error('no request was answered');
  return { ...figures, seconds: microseconds / 1e6 };
}

/** The script: requests are made once, so that a request costs the client a table look-up at most. */
export function luaOf(load: ClosedLoad): string {
  const { paths, headers, varying, bodyBytes, pipeline = 1, newConnections = false } = load;
  const fixed = { Host: 'perf.example', ...headers, ...(newConnections ? { connection: 'close' } : {}) };
  const entries = Object.entries(fixed).map(([name, value]) => `[${quote(name)}] = ${quote(value)}`);
  const rows = paths.map((path, index) => `  {${quote(path)}, ${quote(varying?.values[index] ?? '')}},\n`);
  return `local headers = {${entries.join(', ')}}
local targets = {
${rows.join('')}}
local body = ${bodyBytes === undefined ? 'nil' : `string.rep("x", ${bodyBytes})`}
local method = body and "POST" or "GET"
local made = {}
function init()
  for index, target in ipairs(targets) do
    ${varying === undefined ? '' : `headers[${quote(varying.name)}] = target[2]`}
    made[index] = string.rep(wrk.format(method, target[1], headers, body), ${pipeline})
  end
  math.randomseed(4711)
end
if #targets == 1 then
  function request() return made[1] end
else
  function request() return made[math.random(#made)] end
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '${MARK}{"requests":%d,"microseconds":%d,"p50Us":%d,"p90Us":%d,"p99Us":%d,"p999Us":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
`;
}

/** Paths and header values of the suite have no characters beyond ASCII, where JSON and Lua agree. */
function quote(text: string): string {
  return JSON.stringify(text);
}
