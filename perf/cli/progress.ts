// SPDX-License-Identifier: Apache-2.0
/** What goes on now: one line that is written over on a terminal, lines of their own elsewhere, so that logs stay readable. */

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #shown = false;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    const width = Math.max(20, this.#stream.columns - 1);
    this.#stream.write(`\r\u001b[K${text.slice(0, width)}`);
    this.#shown = true;
  }

  /** Before anything else is printed. */
  clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[K');
    this.#shown = false;
  }
}
