// SPDX-License-Identifier: Apache-2.0
/** A refusal by llhttp of what Weft takes -> whether it is a known one, with the reason to take it all the same. */

interface Stricter {
  /** llhttp's codes. */
  readonly codes: readonly string[];
  /** What in the stream explains them. */
  readonly pattern: RegExp;
}

/** Where llhttp or Node refuse what Weft takes, with good reason to take it. */
const STRICTER: readonly Stricter[] = [
  // Unknown methods, heads beyond 16 KiB, extensions beyond theirs, and CONNECT, which Node leaves to a listener.
  { codes: ['HPE_INVALID_METHOD', 'HPE_HEADER_OVERFLOW', 'HPE_CHUNK_EXTENSIONS_OVERFLOW', 'CONNECT'], pattern: /^/ },
  // A trailer is no framing to Weft, and is dropped; llhttp takes it at its word.
  {
    codes: ['HPE_INVALID_TRANSFER_ENCODING', 'HPE_INVALID_CONTENT_LENGTH', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
    pattern: /\r\n0+[ \t]*(;[^\n]*)?\r\n([^\r\n]+\r\n)*(content-length|transfer-encoding):/i,
  },
  {
    codes: ['HPE_CLOSED_CONNECTION'],
    pattern: /\r\n0+[ \t]*(;[^\n]*)?\r\n([^\r\n]+\r\n)*connection:[^\r\n]*close/i,
  },
  // White space around the signs of an extension, which recipients have to accept (RFC 9112 7.1.1).
  {
    codes: ['HPE_INVALID_CHUNK_SIZE', 'HPE_STRICT', 'HPE_INVALID_CONSTANT'],
    pattern: /[0-9a-f][ \t]+;|;[^\r\n]*[ \t"]/i,
  },
  // A tab behind a value is white space around it (RFC 9110 5.5); in a response, llhttp takes it for another coding.
  {
    codes: ['HPE_INVALID_CONTENT_LENGTH', 'HPE_INVALID_TRANSFER_ENCODING'],
    pattern: /(content-length|transfer-encoding):[^\r\n]*\t/i,
  },
  // An interim answer does not end the connection (RFC 9110 7.6.1 speaks of the final one).
  {
    codes: ['HPE_CLOSED_CONNECTION'],
    pattern: /HTTP\/1\.[01] 1\d\d[^\n]*\r\n([^\r\n]+\r\n)*connection:[^\r\n]*close/i,
  },
];

/** Is a refusal by llhttp with this code explained by what is in the bytes? Without a code, by any of the rows for bytes. */
export function isStricter(code: string | undefined, input: string): boolean {
  const rows = code === undefined ? STRICTER.slice(1) : STRICTER;
  return rows.some(({ codes, pattern }) => (code === undefined || codes.includes(code)) && pattern.test(input));
}
