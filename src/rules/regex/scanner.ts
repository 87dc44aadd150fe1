// SPDX-License-Identifier: Apache-2.0
/** A cursor over the code points of a pattern, and the error that stops its parsing. */

/** Thrown inside the parser only; `parseRegex` turns it into data. */
export class RegexSyntaxError extends Error {
  readonly index: number;

  constructor(message: string, index: number) {
    super(message);
    this.index = index;
  }
}

/** What `peek` and `next` give after the last character; no code point is negative. */
export const END = -1;

export class Scanner {
  readonly pattern: string;
  /** Offset of the next character in UTF-16 units. */
  index = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  peek(): number {
    return this.pattern.codePointAt(this.index) ?? END;
  }

  /** Reads one code point. */
  next(): number {
    const codePoint = this.peek();
    if (codePoint !== END) this.index += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  lookingAt(text: string): boolean {
    return this.pattern.startsWith(text, this.index);
  }

  /** Steps over the text if it comes next. */
  accept(text: string): boolean {
    if (!this.lookingAt(text)) return false;
    this.index += text.length;
    return true;
  }

  /** Steps over the match of a sticky (`y`) expression if it comes next. */
  acceptMatch(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.index;
    const match = expression.exec(this.pattern);
    if (match === null) return undefined;
    this.index += match[0].length;
    return match;
  }
}
