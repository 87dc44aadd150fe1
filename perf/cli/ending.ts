// SPDX-License-Identifier: Apache-2.0
/** Ctrl-C and SIGTERM -> an ordinary end, so that the proxies that run are stopped and what lies about is removed. */
const INTERRUPTED = 130;

/** `cleanUp` runs once, whichever way the process ends; it can't wait for anything. */
export function cleanUpAtEnd(cleanUp: () => void): void {
  process.once('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(INTERRUPTED));
}
