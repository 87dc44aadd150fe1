// SPDX-License-Identifier: Apache-2.0
// Names in assembly/layout.ts (section HEADER NAMES) and the definitions below -> assembly/tables.ts: the constant tables
// of the HTTP codecs. Generated, because AssemblyScript takes static data as numbers only and numbers cannot be reviewed.
//
//   node tools/generate-tables.mjs            writes the file
//   node tools/generate-tables.mjs --check    exits with 1 when the file is not what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'assembly', 'tables.ts');

const isAlphanumeric = (character) => /^[0-9A-Za-z]$/.test(character);
/** RFC 9110 5.6.2 tchar. */
const isToken = (character) => isAlphanumeric(character) || "!#$%&'*+-.^_`|~".includes(character);
/** RFC 3986 2.3. */
const isUnreserved = (character) => isAlphanumeric(character) || '-._~'.includes(character);
/**
 * Bytes taken raw in a request target: visible ASCII without `#`. Wider than RFC 3986 (`"<>\^{|}` and the backtick are
 * sent by real clients), and without bytes from 0x80 on, as in Envoy's HTTP/1 codec.
 */
const isTarget = (character, code) => code > 0x20 && code < 0x7f && character !== '#';

/** Bits of CHARACTER_CLASS, in the order of their value. */
const classes = [
  ['TOKEN', isToken],
  ['TARGET', isTarget],
  ['PATH', (character, code) => isTarget(character, code) && character !== '?'],
  // RFC 3986 reg-name without percent-encoding: a host that needs decoding is read differently by different parsers.
  // And without the comma, which is in no host's name, but joins two Host fields into one.
  ['HOST', (character) => isUnreserved(character) || "!$&'()*+;=".includes(character)],
  ['HEX', (character) => /^[0-9A-Fa-f]$/.test(character)],
  ['UNRESERVED', isUnreserved],
  // RFC 9110 5.5: HTAB, SP, VCHAR, obs-text.
  ['VALUE', (_, code) => code === 9 || (code >= 0x20 && code !== 0x7f)],
  ['DIGIT', (character) => /^[0-9]$/.test(character)],
];

const texts = {
  CLOSE: 'close',
  KEEP_ALIVE: 'keep-alive',
  UPGRADE: 'upgrade',
  TE: 'te',
  CHUNKED: 'chunked',
  TRAILERS: 'trailers',
  WEBSOCKET: 'websocket',
  H2C: 'h2c',
  CONTINUE: '100-continue',
  GRPC: 'application/grpc',
  TIMEOUT: 'timeout=',
  SLASH: '/',
  ASTERISK: '*',
  COMMA: ',',
  QUESTION: '?',
  SPACE: ' ',
  CRLF: '\r\n',
  SEPARATOR: ': ',
  HTTP: 'http',
  HTTPS: 'https',
  HTTP_10: 'HTTP/1.0',
  HTTP_11: 'HTTP/1.1',
  REQUEST_LINE_END: ' HTTP/1.1\r\nhost: ',
  STATUS_LINE_START: 'HTTP/1.1 ',
  // For clients of HTTP/1.0; as long as the other.
  STATUS_LINE_START_10: 'HTTP/1.0 ',
  SERVER_LINE: 'server: weft\r\n',
  CHUNKED_LINE: 'transfer-encoding: chunked\r\n',
  CLOSE_LINE: 'connection: close\r\n',
  KEEP_ALIVE_LINE: 'connection: keep-alive\r\n',
  UPGRADE_LINES: 'connection: upgrade\r\nupgrade: websocket\r\n',
  CONNECTION_UPGRADE_LINE: 'connection: upgrade\r\n',
  CONTENT_LENGTH_START: 'content-length: ',
  METHOD_PSEUDO: ':method',
  PATH_PSEUDO: ':path',
  AUTHORITY_PSEUDO: ':authority',
  SCHEME_PSEUDO: ':scheme',
  STATUS_PSEUDO: ':status',
};

const bytesOf = (text) => [...Buffer.from(text, 'latin1')];
const littleEndian = (value) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];

function fnv1a(text) {
  let hash = 0x811c9dc5;
  for (const byte of bytesOf(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function readNames() {
  const layout = readFileSync(join(root, 'assembly', 'layout.ts'), 'utf8');
  const section = layout.slice(layout.indexOf('// HEADER NAMES:'));
  const names = [''];
  for (const [, name, id] of section.matchAll(/^export const HEADER_ID_([A-Z0-9_]+) = (\d+);/gm)) {
    if (Number(id) !== names.length) throw new Error(`HEADER_ID_${name} must be ${names.length}`);
    names.push(name.toLowerCase().replaceAll('_', '-'));
  }
  return names;
}

/** A shift under which the names of equal low byte do not collide: 512 slots of one id each. */
function perfectHash(names) {
  for (let multiplier = 1; multiplier < 0x7fffffff; multiplier += 2) {
    const slots = new Array(512).fill(0);
    const fits = names.every((name, id) => {
      if (id === 0) return true;
      const slot = Math.imul(fnv1a(name), multiplier) >>> 23;
      if (slots[slot] !== 0) return false;
      slots[slot] = id;
      return true;
    });
    if (fits) return { multiplier, slots };
  }
  throw new Error('no multiplier separates the names');
}

const nameTextSize = 48;
function nameRow(name) {
  if (name.length > nameTextSize) throw new Error(`${name} is longer than ${nameTextSize} bytes`);
  const padding = new Array(nameTextSize - name.length).fill(0);
  return [...littleEndian(fnv1a(name)), ...littleEndian(name.length), ...bytesOf(name), ...padding];
}

function render() {
  const names = readNames();
  const { multiplier, slots } = perfectHash(names);
  const codes = Array.from({ length: 256 }, (_, code) => code);
  const characters = codes.map((code) => String.fromCharCode(code));
  const classOf = (character, code) =>
    classes.reduce(
      (bits, [, test], index) => bits | (code < 0x80 || index === 6 ? Number(test(character, code)) << index : 0),
      0,
    );
  const lowerOf = (character, code) => (code < 0x80 && isToken(character) ? character.toLowerCase().charCodeAt(0) : 0);
  const data = (name, doc, bytes) =>
    `/** ${doc} */\nexport const ${name}: usize = memory.data<u8>([${bytes.join(',')}]);`;
  return [
    '// SPDX-License-Identifier: Apache-2.0',
    '/** Constant tables of the HTTP codecs. Generated by tools/generate-tables.mjs: change it there. */',
    '',
    ...classes.map(([name], index) => `export const CLASS_${name}: u32 = ${1 << index};`),
    data('CHARACTER_CLASS', 'CLASS_* bits of each byte.', characters.map(classOf)),
    data('TOKEN_LOWER', 'Each token byte in lower case, 0 for all others.', characters.map(lowerOf)),
    '',
    `export const NAME_MULTIPLIER: u32 = ${multiplier};`,
    `export const NAME_ROW_SIZE: usize = ${8 + nameTextSize};`,
    data('NAME_SLOTS', 'HEADER_ID_* by (hash * NAME_MULTIPLIER) >> 23.', slots),
    data('NAME_ROWS', 'By HEADER_ID_*: u32 hash, u32 length, the name.', names.flatMap(nameRow)),
    '',
    ...Object.entries(texts).flatMap(([name, text]) => [
      `/** ${JSON.stringify(text)} */`,
      `export const TEXT_${name}: usize = memory.data<u8>([${bytesOf(text).join(',')}]);`,
      `export const TEXT_${name}_LENGTH: u32 = ${text.length};`,
    ]),
    '',
  ].join('\n');
}

const options = await resolveConfig(target);
const tables = await format(render(), { ...options, filepath: target });
if (!process.argv.includes('--check')) {
  writeFileSync(target, tables);
} else if (readFileSync(target, 'utf8') !== tables) {
  console.error('assembly/tables.ts is out of date: run node tools/generate-tables.mjs');
  process.exitCode = 1;
}
