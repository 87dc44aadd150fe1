// SPDX-License-Identifier: Apache-2.0
/**
 * A load generator on raw sockets: each connection sends its next request when the answer to the last is complete (no
 * pipelining). Runs as a worker thread beside the test; plain JavaScript, so that Node runs it as it is.
 *
 * Shared numbers: 0 stop, 1 requests answered, 2 failures, 3 oldest rules that an answer may come from, 4 connections
 * opened, 5 requests to send at most (0 = no end).
 */
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { port, connections, heads, sharedNumbers, allowedStatuses } = workerData;
const numbers = new Int32Array(sharedNumbers);
const MAX_REPORTED = 20;
const report = { failures: [], stale: [], statuses: {}, upstreams: {}, bytes: 0 };
let sent = 0;
let open = 0;

function fail(text) {
  Atomics.add(numbers, 2, 1);
  if (report.failures.length < MAX_REPORTED) report.failures.push(text);
}

function countIn(table, key) {
  table[key] = (table[key] ?? 0) + 1;
}

function field(head, name) {
  const start = head.indexOf(`\r\n${name}: `);
  if (start < 0) return undefined;
  const from = start + name.length + 4;
  return head.slice(from, head.indexOf('\r\n', from));
}

class Connection {
  constructor() {
    open++;
    this.connect();
  }

  connect() {
    Atomics.add(numbers, 4, 1);
    this.waiting = false;
    this.closing = false;
    this.text = '';
    this.oldestRules = 0;
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('connect', () => this.send());
    socket.on('data', (chunk) => this.onData(chunk));
    socket.on('error', (error) => {
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => this.onClose());
  }

  send() {
    if (Atomics.load(numbers, 0) === 1 || (numbers[5] > 0 && sent >= numbers[5])) {
      this.finish();
      return;
    }
    this.oldestRules = Atomics.load(numbers, 3);
    this.waiting = true;
    this.socket.write(heads[sent++ % heads.length], 'latin1');
  }

  finish() {
    this.done = true;
    this.socket.end();
  }

  onData(chunk) {
    this.text += chunk;
    if (!this.waiting) {
      fail(`bytes that nobody asked for: ${JSON.stringify(this.text.slice(0, 100))}`);
      this.socket.destroy();
      return;
    }
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.text.slice(0, end).toLowerCase();
    const length = Number(field(`${head}\r\n`, 'content-length'));
    if (!(length >= 0)) {
      fail(`an answer without content-length: ${head}`);
      this.socket.destroy();
      return;
    }
    if (this.text.length < end + 4 + length) return;
    report.bytes += end + 4 + length;
    this.text = this.text.slice(end + 4 + length);
    this.waiting = false;
    this.check(`${head}\r\n`);
    if (/\r\nconnection: close\r\n/.test(`${head}\r\n`)) {
      this.closing = true;
      this.socket.end();
    } else this.send();
  }

  check(head) {
    Atomics.add(numbers, 1, 1);
    const status = head.slice(9, 12);
    countIn(report.statuses, status);
    countIn(report.upstreams, field(head, 'x-upstream') ?? '-');
    if (!allowedStatuses.includes(Number(status))) fail(`answered ${head.slice(0, 300)}`);
    const rules = field(head, 'x-rules');
    if (rules !== undefined && Number(rules) < this.oldestRules && report.stale.length < MAX_REPORTED) {
      report.stale.push(`rules ${rules} after ${this.oldestRules} were live`);
    }
  }

  onClose() {
    if (this.waiting) fail(`the connection ended before the answer: ${this.error ?? 'closed'}`);
    else if (this.error !== undefined && !this.closing && !this.done) fail(`could not connect: ${this.error}`);
    this.error = undefined;
    if (this.done || Atomics.load(numbers, 0) === 1) {
      if (--open === 0) parentPort.postMessage(report);
      return;
    }
    this.connect();
  }
}

for (let count = 0; count < connections; count++) new Connection();
