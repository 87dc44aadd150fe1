// SPDX-License-Identifier: Apache-2.0
/**
 * Groups of values -> a bar chart as SVG text, without scripts. Colours are such that they can be told apart on white and on
 * black; text takes its colour from the reader's scheme, since a picture in a page does not inherit the page's.
 */

export interface BarChart {
  readonly title: string;
  /** With unit. */
  readonly axis: string;
  /** One bar of each in every group. */
  readonly series: readonly string[];
  readonly groups: readonly { readonly label: string; readonly values: readonly (number | undefined)[] }[];
}

const WIDTH = 860;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 70;
const BAR_HEIGHT = 15;
const GROUP_GAP = 12;
const TOP = 62;
const LEGEND_LINE = 20;
const LEGEND_ITEM_WIDTH = 130;
/** Mid-tones of distinct hues; Weft's is the first. */
const COLOURS = [
  '#d9480f',
  '#f59f00',
  '#2f9e44',
  '#1c7ed6',
  '#7950f2',
  '#e64980',
  '#12b886',
  '#868e96',
  '#a9743a',
  '#4c6ef5',
];
const STYLE =
  'text{font:12px system-ui,sans-serif;fill:#212529}.title{font-size:15px;font-weight:600}.axis{fill:#495057}' +
  '@media (prefers-color-scheme:dark){text{fill:#e9ecef}.axis{fill:#adb5bd}}';

/** Horizontal bars; a value that was not measured has no bar and says so. */
export function barChart({ title, axis, series, groups }: BarChart): string {
  const perLine = Math.floor((WIDTH - 20) / LEGEND_ITEM_WIDTH);
  const legendHeight = series.length > 1 ? Math.ceil(series.length / perLine) * LEGEND_LINE : 0;
  const largest = Math.max(0, ...groups.flatMap(({ values }) => values.filter((value) => value !== undefined)));
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const parts: string[] = [
    `<text class="title" x="10" y="22">${escapeText(title)}</text>`,
    `<text class="axis" x="10" y="42">${escapeText(axis)}</text>`,
  ];
  if (series.length > 1) {
    series.forEach((name, index) => {
      const x = 10 + (index % perLine) * LEGEND_ITEM_WIDTH;
      const y = TOP + Math.floor(index / perLine) * LEGEND_LINE;
      parts.push(
        `<rect x="${x}" y="${y - 10}" width="11" height="11" fill="${colourOf(index)}"/>`,
        `<text x="${x + 16}" y="${y}">${escapeText(name)}</text>`,
      );
    });
  }
  let y = TOP + legendHeight;
  for (const { label, values } of groups) {
    const middle = y + (series.length * BAR_HEIGHT) / 2 + 4;
    parts.push(`<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escapeText(label)}</text>`);
    series.forEach((name, index) => {
      const value = values[index];
      const length = value === undefined || largest === 0 ? 0 : (value / largest) * room;
      const text = value === undefined ? 'not measured' : formatValue(value);
      parts.push(
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT - 3}" fill="${colourOf(index)}">` +
          `<title>${escapeText(`${label}, ${name}: ${text}`)}</title></rect>`,
        `<text x="${(LABEL_WIDTH + length + 5).toFixed(1)}" y="${y + BAR_HEIGHT - 5}">${text}</text>`,
      );
      y += BAR_HEIGHT;
    });
    y += GROUP_GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${escapeText(title)}">
<style>${STYLE}</style>
${parts.join('\n')}
</svg>
`;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#868e96';
}

function formatValue(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
