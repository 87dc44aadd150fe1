// SPDX-License-Identifier: Apache-2.0
/**
 * A strict reader of Prometheus' text format 0.0.4 and of OpenMetrics 1.0, for tests: it throws at everything that a real
 * scraper might forgive. Format: prometheus.io/docs/instrumenting/exposition_formats and the OpenMetrics specification.
 */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: ParsedSample[];
}

export function parseExposition(text: string, format: 'text' | 'openmetrics' = 'text'): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>();
  if (!text.endsWith('\n')) throw new Error('the last line has no line end');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('OpenMetrics must end with # EOF');
  let help: { name: string; text: string } | undefined;
  let current: ParsedFamily | undefined;
  const seen = new Set<string>();
  for (const line of lines) {
    if (line === '') {
      if (format === 'openmetrics') throw new Error('OpenMetrics has no empty lines');
      continue;
    }
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind = '', name = '', rest = ''] = comment;
      if (kind === 'HELP') {
        help = { name, text: rest };
        continue;
      }
      if (families.has(name)) throw new Error(`family ${name} stands twice`);
      if (help?.name !== name) throw new Error(`TYPE of ${name} without its HELP before it`);
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`unknown type ${rest}`);
      current = { name, type: rest, help: help.text, samples: [] };
      families.set(name, current);
      continue;
    }
    if (line.startsWith('#')) throw new Error(`not a comment of the format: ${line}`);
    if (current === undefined) throw new Error(`sample before any TYPE: ${line}`);
    const sample = parseSample(line);
    if (!allowedNames(current, format).includes(sample.name)) {
      throw new Error(`sample ${sample.name} in family ${current.name}`);
    }
    const identity = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
    if (seen.has(identity)) throw new Error(`sample stands twice: ${line}`);
    seen.add(identity);
    current.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function allowedNames(family: ParsedFamily, format: 'text' | 'openmetrics'): string[] {
  if (family.type === 'histogram') return ['_bucket', '_sum', '_count'].map((suffix) => family.name + suffix);
  return [family.type === 'counter' && format === 'openmetrics' ? `${family.name}_total` : family.name];
}

function parseSample(line: string): ParsedSample {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line)?.[1];
  if (head === undefined) throw new Error(`no metric name: ${line}`);
  let position = head.length;
  const labels: Record<string, string> = {};
  if (line[position] === '{') {
    position++;
    while (line[position] !== '}') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/.exec(line.slice(position));
      if (label === null) throw new Error(`bad label at ${position}: ${line}`);
      const [whole, name = '', escaped = ''] = label;
      if (name in labels) throw new Error(`label ${name} stands twice: ${line}`);
      labels[name] = escaped.replace(/\\(.)/g, (_match, character: string) => (character === 'n' ? '\n' : character));
      position += whole.length;
      if (line[position] === ',') position++;
      else if (line[position] !== '}') throw new Error(`no comma between labels: ${line}`);
    }
    position++;
  }
  const number = /^ ([+-]?(?:Inf|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?))$/.exec(line.slice(position))?.[1];
  if (number === undefined) throw new Error(`no number: ${line}`);
  return { name: head, labels, value: number.endsWith('Inf') ? Infinity : Number(number) };
}

/** Buckets rise, end with +Inf, and agree with the count; every series has a sum and a count. */
function checkHistogram(family: ParsedFamily): void {
  const series = new Map<string, { bounds: number[]; counts: number[]; sum?: number; count?: number }>();
  for (const { name, labels, value } of family.samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(Object.entries(rest).sort());
    const entry = series.get(key) ?? { bounds: [], counts: [] };
    series.set(key, entry);
    if (name.endsWith('_bucket')) {
      if (le === undefined) throw new Error(`bucket of ${family.name} without le`);
      entry.bounds.push(le === '+Inf' ? Infinity : Number(le));
      entry.counts.push(value);
    } else if (name.endsWith('_sum')) entry.sum = value;
    else entry.count = value;
  }
  for (const { bounds, counts, sum, count } of series.values()) {
    if (sum === undefined || count === undefined) throw new Error(`${family.name} without sum or count`);
    if (bounds.at(-1) !== Infinity) throw new Error(`${family.name} without +Inf as its last bucket`);
    for (let i = 1; i < bounds.length; i++) {
      if (!((bounds[i] ?? 0) > (bounds[i - 1] ?? 0))) throw new Error(`${family.name}: bounds do not rise`);
      if ((counts[i] ?? 0) < (counts[i - 1] ?? 0)) throw new Error(`${family.name}: buckets are not cumulative`);
    }
    if (counts.at(-1) !== count) throw new Error(`${family.name}: the +Inf bucket is not the count`);
    if (count === 0 && sum !== 0) throw new Error(`${family.name}: a sum without observations`);
  }
}
