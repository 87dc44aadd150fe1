// SPDX-License-Identifier: Apache-2.0
/** All cases of requests, in the order in which a parser meets what they are about. */
import { bodyCases } from './content-length-cases.js';
import { chunkCases, trailerCases } from './chunk-cases.js';
import { connectionCases } from './connection-cases.js';
import { fieldCases } from './field-cases.js';
import { hostCases } from './host-cases.js';
import type { RequestCase } from './message-case.js';
import { requestLineCases } from './request-line-cases.js';
import { targetCases } from './target-cases.js';
import { transferCodingCases } from './transfer-coding-cases.js';

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly RequestCase[];
}

export const requestCorpus: readonly CaseGroup[] = [
  { title: 'request line', cases: requestLineCases },
  { title: 'target', cases: targetCases },
  { title: 'Host', cases: hostCases },
  { title: 'fields', cases: fieldCases },
  { title: 'Content-Length', cases: bodyCases },
  { title: 'Transfer-Encoding', cases: transferCodingCases },
  { title: 'chunks', cases: chunkCases },
  { title: 'trailers', cases: trailerCases },
  { title: 'connection', cases: connectionCases },
];
