// SPDX-License-Identifier: Apache-2.0
/** Starts the origin in a process of its own, pinned beside the load generator, and asks it what it saw. */
import { fork } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ToUpstream, UpstreamMessage } from './messages.js';

export interface Upstream {
  /** On 127.0.0.1; the answers of port `index` carry `x-upstream: index`. */
  readonly ports: readonly number[];
  /** The heads of the requests that came while `during` ran, lower case names not guaranteed; undefined: it can't tell. */
  headsDuring(during: () => Promise<unknown>): Promise<readonly string[] | undefined>;
  stop(): Promise<void>;
}

/** `cpus`: a list for `taskset -c`; undefined: not pinned. Rejects when the process ends before it listens. */
export async function startUpstream(
  portCount: number,
  bodyBytes: number,
  cpus: string | undefined,
  program: 'server' | 'message-server' = 'server',
): Promise<Upstream> {
  const file = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
  const child = fork(file, [String(portCount), String(bodyBytes)], { execArgv: [] });
  if (cpus !== undefined && child.pid !== undefined) execFileSync('taskset', ['-a', '-c', '-p', cpus, `${child.pid}`]);
  const waiting = new Set<(message: UpstreamMessage) => void>();
  child.on('message', (message: UpstreamMessage) => {
    for (const hear of waiting) hear(message);
  });
  const ended = once(child, 'exit');
  const next = <T>(pick: (message: UpstreamMessage) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const hear = (message: UpstreamMessage): void => {
        const picked = pick(message);
        if (picked === undefined) return;
        waiting.delete(hear);
        resolve(picked);
      };
      waiting.add(hear);
      void ended.then(([status]) => reject(new Error(`the origin ended with status ${status}`)));
    });
  const setRecording = async (recording: boolean): Promise<void> => {
    const message: ToUpstream = { recording };
    child.send(message);
    await next((answer) => ('recording' in answer && answer.recording === recording ? true : undefined));
  };
  const ports = await next((message) => ('ports' in message ? message.ports : undefined));
  return {
    ports,
    async headsDuring(during) {
      const heads: string[] = [];
      const hear = (message: UpstreamMessage): void => {
        if ('head' in message) heads.push(message.head);
      };
      await setRecording(true);
      waiting.add(hear);
      try {
        await during();
      } finally {
        await setRecording(false);
        waiting.delete(hear);
      }
      return heads;
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
