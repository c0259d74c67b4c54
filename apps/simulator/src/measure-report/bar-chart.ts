import { escapeXml, formatMs } from './format.js';
import { PALETTE } from './palette.js';

export type Colour = 'primary' | 'router' | 'replica' | 'phase1' | 'phase2' | 'phase3' | 'phase4';

export interface Bar {
  readonly label: string;
  /** One after the other, from the left; their ends, in milliseconds. */
  readonly segments: readonly { readonly colour: Colour; readonly endMs: number }[];
  /** How far the slow ones reach. */
  readonly whiskerMs?: number;
  readonly note?: string;
}

/** Bars with one scale. */
export interface Panel {
  readonly title: string;
  readonly groups: readonly { readonly label: string; readonly bars: readonly Bar[] }[];
}

export interface Chart {
  readonly title: string;
  readonly note: string;
  readonly legend: readonly { readonly colour: Colour; readonly label: string }[];
  readonly panels: readonly Panel[];
}

const WIDTH = 900;
const MARGIN = 20;
const LABEL = 264;
const VALUES = 190;
const LINE = 20;
const BAR = 13;
const GROUP_GAP = 8;
const PANEL_HEAD = 34;
const HEAD = 70;
const FULL = WIDTH - 2 * MARGIN - LABEL - VALUES;

/** A picture that stands alone. */
export function drawChart(chart: Chart): string {
  let top = HEAD;
  const panels = chart.panels.map((panel) => {
    const drawn = drawPanel(panel, top);
    top += heightOf(panel);
    return drawn;
  });
  const height = top + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(chart.title)}">`,
    `<style>${PALETTE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(MARGIN, 28, 'title', chart.title),
    text(MARGIN, 46, 'note', chart.note),
    ...drawLegend(chart),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function drawLegend({ legend }: Chart): readonly string[] {
  let left = MARGIN;
  return legend.map(({ colour, label }) => {
    const drawn = `<rect class="${colour}" x="${left}" y="54" width="11" height="11" rx="2"/>${text(left + 16, 64, 'note', label)}`;
    left += 40 + label.length * 6.4;
    return drawn;
  });
}

function heightOf({ groups }: Panel): number {
  return groups.reduce((sum, { bars }) => sum + bars.length * LINE + GROUP_GAP, PANEL_HEAD);
}

function drawPanel(panel: Panel, top: number): string {
  const most = Math.max(...panel.groups.flatMap(({ bars }) => bars.map(reachOf)), Number.MIN_VALUE);
  const lines = [
    `<line class="rule" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${top + 6}" y2="${top + 6}"/>`,
    text(MARGIN, top + 24, 'group', panel.title),
  ];
  let y = top + PANEL_HEAD;
  for (const { label, bars } of panel.groups) {
    lines.push(text(MARGIN, y + 11, 'note', label));
    for (const bar of bars) {
      lines.push(drawBar(bar, y, FULL / most));
      y += LINE;
    }
    y += GROUP_GAP;
  }
  return lines.join('\n');
}

function drawBar({ label, segments, whiskerMs, note }: Bar, y: number, pixelsPerMs: number): string {
  const left = MARGIN + LABEL;
  let from = 0;
  const drawn = segments.map(({ colour, endMs }) => {
    const to = endMs * pixelsPerMs;
    const rectangle = `<rect class="${colour}" x="${fixed(left + from)}" y="${y}" width="${fixed(Math.max(1, to - from))}" height="${BAR}" rx="2"/>`;
    from = to;
    return rectangle;
  });
  const whisker = whiskerMs === undefined ? '' : drawWhisker(left + from, left + whiskerMs * pixelsPerMs, y + BAR / 2);
  const end = Math.max(from, (whiskerMs ?? 0) * pixelsPerMs);
  const figure = [formatMs(segments.at(-1)?.endMs ?? 0), ...(note === undefined ? [] : [note])].join(' · ');
  return [
    text(left - 8, y + 11, '', label, 'end'),
    ...drawn,
    whisker,
    text(left + end + 8, y + 11, 'figure note', figure),
  ].join('');
}

function drawWhisker(from: number, to: number, y: number): string {
  const line = (x1: number, y1: number, x2: number, y2: number): string =>
    `<line class="whisker" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`;
  return line(from, y, to, y) + line(to, y - 4, to, y + 4);
}

function reachOf({ segments, whiskerMs }: Bar): number {
  return Math.max(whiskerMs ?? 0, segments.at(-1)?.endMs ?? 0);
}

function text(x: number, y: number, kind: string, content: string, anchor = 'start'): string {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

const fixed = (value: number): string => String(Number(value.toFixed(1)));
