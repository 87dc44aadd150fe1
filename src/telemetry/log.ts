// SPDX-License-Identifier: Apache-2.0
/**
 * Weft's own log: one line an event on standard error, `time level component message key=value...`. Levels are Envoy's and
 * can be changed while running, as a whole or for one component (admin POST /logging).
 */

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export class Logger {
  readonly #write: (line: string) => void;
  readonly #levels = new Map<string, number>();
  #level: number;

  constructor(level: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)) {
    this.#level = LOG_LEVELS.indexOf(level);
    this.#write = write;
  }

  /** Sets the level of every component. */
  setLevel(level: LogLevel): void {
    this.#level = LOG_LEVELS.indexOf(level);
    this.#levels.clear();
  }

  setComponentLevel(component: string, level: LogLevel): void {
    this.#levels.set(component, LOG_LEVELS.indexOf(level));
  }

  /** The components that have a level of their own, and the level of all others under ''. */
  levels(): Map<string, LogLevel> {
    const result = new Map<string, LogLevel>([['', LOG_LEVELS[this.#level] ?? 'info']]);
    for (const [component, level] of this.#levels) result.set(component, LOG_LEVELS[level] ?? 'info');
    return result;
  }

  isEnabled(component: string, level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= (this.#levels.get(component) ?? this.#level);
  }

  log(level: LogLevel, component: string, message: string, fields: LogFields = {}): void {
    if (!this.isEnabled(component, level)) return;
    let line = `${new Date().toISOString()} ${level} ${component} ${message}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      const text = String(value);
      line += ` ${key}=${/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text}`;
    }
    this.#write(line + '\n');
  }

  info(component: string, message: string, fields?: LogFields): void {
    this.log('info', component, message, fields);
  }

  warning(component: string, message: string, fields?: LogFields): void {
    this.log('warning', component, message, fields);
  }

  critical(component: string, message: string, fields?: LogFields): void {
    this.log('critical', component, message, fields);
  }

  error(component: string, message: string, fields?: LogFields): void {
    this.log('error', component, message, fields);
  }

  debug(component: string, message: string, fields?: LogFields): void {
    this.log('debug', component, message, fields);
  }
}
