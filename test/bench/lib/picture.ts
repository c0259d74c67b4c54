import type { RowResult } from './runner.js';
import type { Row, Suite } from './suite.js';
import { figure } from './table.js';

const COLUMN = 560;
const MARGIN = 24;
const LABEL = 190;
const LINE = 18;
const HEAD = 34;
const VALUE = 70;

/** One row of the picture, before it has a place. */
interface Block {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
  readonly height: number;
}

/** Bars for every row: ours in colour, the peers grey, the limits hollow. Two columns, as SVG. */
export function pictureOf(suite: Suite, results: readonly RowResult[]): string {
  const blocks = suite.rows.flatMap((row) => {
    const result = results.find(({ name }) => name === row.name);
    return result === undefined ? [] : [blockOf(row, result)];
  });
  const columns = inTwoColumns(blocks);
  const heights = columns.map((column) => column.reduce((sum, { height }) => sum + height, 0));
  const width = 2 * COLUMN + 3 * MARGIN;
  const height = Math.max(...heights) + 2 * MARGIN;
  const drawn = columns.map((column, index) => drawColumn(column, MARGIN + index * (COLUMN + MARGIN)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    '<title>What each contender reached, row by row</title>',
    '<style>text{fill:#24292f}.title{font-weight:600}.note{fill:#6e7781}.ours{fill:#0b7285}.peer{fill:#adb5bd}' +
      '.limit{fill:none;stroke:#868e96;stroke-dasharray:3 2}</style>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function blockOf(row: Row, { medians }: RowResult): Block {
  const bars = Object.entries(medians).map(([name, values]) => ({ name, value: values[row.metric] ?? 0 }));
  return {
    title: row.title,
    unit: row.lessIsBetter ? `${row.unit}, less is better` : row.unit,
    bars,
    height: HEAD + bars.length * LINE + LINE / 2,
  };
}

/** The first column takes blocks until it has half of the height. */
function inTwoColumns(blocks: readonly Block[]): readonly [readonly Block[], readonly Block[]] {
  const half = blocks.reduce((sum, { height }) => sum + height, 0) / 2;
  let taken = 0;
  const first = blocks.filter(({ height }) => {
    taken += height;
    return taken - height / 2 <= half;
  });
  return [first, blocks.slice(first.length)];
}

function drawColumn(blocks: readonly Block[], x: number): string {
  let y = MARGIN;
  return blocks
    .map((block) => {
      const drawn = drawBlock(block, x, y);
      y += block.height;
      return drawn;
    })
    .join('\n');
}

function drawBlock({ title, unit, bars }: Block, x: number, y: number): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const lines = bars.map(({ name, value }, index) => {
    const top = y + HEAD - 8 + index * LINE;
    const length = Math.max(1, (value / most) * (COLUMN - LABEL - VALUE)).toFixed(1);
    return (
      `<text x="${x + LABEL - 8}" y="${top + 11}" text-anchor="end">${escaped(name)}</text>` +
      `<rect class="${kindOf(name)}" x="${x + LABEL}" y="${top + 1}" width="${length}" height="13" rx="1.5"/>` +
      `<text class="note" x="${(x + LABEL + Number(length) + 6).toFixed(1)}" y="${top + 11}">${figure(value)}</text>`
    );
  });
  const head = `<text x="${x}" y="${y + 14}" class="title">${escaped(shortened(title))} <tspan class="note">${escaped(unit)}</tspan></text>`;
  return [head, ...lines].join('\n');
}

const TITLE_CHARACTERS = 76;

const shortened = (title: string) =>
  title.length > TITLE_CHARACTERS ? `${title.slice(0, TITLE_CHARACTERS - 1).trimEnd()}…` : title;

/** What is no contender, but the most that one could reach. */
const LIMITS = new Set(['minio', 'nginx', 'line', 'one-stream']);

function kindOf(name: string): string {
  if (name.startsWith('meridian')) return 'ours';
  return LIMITS.has(name) ? 'limit' : 'peer';
}

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
