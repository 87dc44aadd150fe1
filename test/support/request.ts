// SPDX-License-Identifier: Apache-2.0
/** A request as matching sees it, after parsing and path normalization. Text is UTF-8 on the wire. */
export interface TestRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** The Host as sent, possibly with a port. */
  readonly authority: string;
  readonly path: string;
  /** Without the question mark; absent when there is none. */
  readonly query?: string;
  /** Lines in order, names in lower case; without Host. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What virtual hosts are looked up by: lower case, no port. */
export function hostOf(request: TestRequest): string {
  return request.authority.toLowerCase().replace(/:[0-9]*$/, '');
}
