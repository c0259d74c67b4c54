import type { RowResult, Verdict } from './runner.js';
import type { Row, Values } from './suite.js';

const SMALLEST = 0.001;

/** Three figures that matter. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) < SMALLEST) return '0.00';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return digits === 0 ? value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',') : value.toFixed(digits);
}

/** `≥ 2.5 × distribution-fs` */
export function wantedText(
  { wanted: { metric, of, against, againstMetric, atLeast, atMost } }: Verdict,
  row: Row,
): string {
  const sign = atLeast === undefined ? '≤' : '≥';
  const bound = figure(atLeast ?? atMost ?? Number.NaN);
  const subject = metric === row.metric ? of : `${metric} of ${of}`;
  const other = againstMetric === undefined ? against : `its ${againstMetric}`;
  return against === undefined ? `${subject} ${sign} ${bound}` : `${subject} ${sign} ${bound} × ${other}`;
}

export const verdictWord = ({ met, seen }: Verdict) => (Number.isNaN(seen) ? 'not measured' : met ? 'met' : 'MISSED');

/** Lines for a terminal. */
export function rowLines(row: Row, result: RowResult): readonly string[] {
  const names = Object.keys(result.medians);
  const metrics = [...new Set(names.flatMap((name) => Object.keys(result.medians[name] ?? {})))];
  const cells = [
    ['', ...metrics.map((metric) => (metric === row.metric ? `${metric} ${row.unit}` : metric)), 'spread'],
    ...names.map((name) => [
      name,
      ...metrics.map((metric) => figure(result.medians[name]?.[metric] ?? Number.NaN)),
      spread(result.samples[name] ?? [], row.metric),
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return [
    ...cells.map((line) => `  ${line.map((cell, column) => padded(cell, widths[column] ?? 0, column)).join('  ')}`),
    ...Object.entries(result.missing).map(([name, why]) => `  ${name}: left out, ${why}`),
    ...result.verdicts.map(
      (verdict) =>
        `  ${verdictWord(verdict).padEnd(6)} ${figure(verdict.seen).padStart(6)}  wanted ${wantedText(verdict, row)}`,
    ),
  ];
}

function spread(samples: readonly Values[], metric: string): string {
  const values = samples.flatMap((sample) => sample[metric] ?? []);
  return values.length < 2 ? '' : `${figure(Math.min(...values))} … ${figure(Math.max(...values))}`;
}

const padded = (cell: string, width: number, column: number) =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width);
