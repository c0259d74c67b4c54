import { formatMs } from '../sizes.js';
import type { Style } from '../terminal.js';
import type { RegionResult } from './measure.js';

const TITLES = ['region', 'served by', 'first byte', 'whole image', 'first byte', 'whole image', 'how much faster'];
const FIRST_OF_ROUTER = 1;
const FIRST_OF_PRIMARY = 4;
const LAST = 6;
const GAP = '   ';

/** The results as lines of text: numbers to the right, names to the left. */
export function renderTable(results: readonly RegionResult[], style: Style): readonly string[] {
  const rows = results.map(cells);
  const widths = TITLES.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const heading = TITLES.map((title, column) => pad(title, column, widths)).join(GAP);
  const body = rows.map((row) => row.map((cell, column) => paint(cell, pad(cell, column, widths), column, style)));
  return [
    style.dim(groups(widths)),
    style.bold(heading.trimEnd()),
    style.dim('─'.repeat(heading.length)),
    ...body.map((row) => row.join(GAP).trimEnd()),
  ];
}

function cells({ region, servedBy, router, primary, timeSavedPercent }: RegionResult): readonly string[] {
  const faster = timeSavedPercent === undefined ? 'is the primary' : describeSaved(timeSavedPercent);
  const times = [router.firstByteMs, router.wholeMs, primary.firstByteMs, primary.wholeMs].map(formatMs);
  return [region, servedBy, ...times, faster];
}

function describeSaved(percent: number): string {
  return percent < 0 ? `${-percent} % slower` : `${percent} %`;
}

/** Names which columns belong together, above the titles. */
function groups(widths: readonly number[]): string {
  const startOf = (column: number): number =>
    widths.slice(0, column).reduce((sum, width) => sum + width + GAP.length, 0);
  const router = 'through the router';
  const padded = `${' '.repeat(startOf(FIRST_OF_ROUTER))}${router}`;
  return `${padded.padEnd(startOf(FIRST_OF_PRIMARY))}from the primary`;
}

function pad(text: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column <= FIRST_OF_ROUTER ? text.padEnd(width) : text.padStart(width);
}

function paint(cell: string, padded: string, column: number, style: Style): string {
  if (column !== LAST || cell === 'is the primary') return padded;
  return cell.endsWith('slower') ? style.bad(padded) : style.good(padded);
}
