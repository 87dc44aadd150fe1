// SPDX-License-Identifier: Apache-2.0
/** What uWebSockets.js decides by itself, so that it cannot be otherwise on that front, each with the reason. */
import type { RequestCase, RequestEnd } from './message-case.js';

interface Difference {
  readonly ends: readonly RequestEnd[];
  readonly reason: string;
}

/** The difference that explains another outcome of this case, if one is known. */
export function uwsDifference(_testCase: RequestCase): Difference | undefined {
  return undefined;
}
