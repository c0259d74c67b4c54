import { type Group, SCENARIOS } from '../measure/sample.js';
import { SOURCES } from '../target/target.js';
import type { Style } from '../terminal.js';
import { describeServedBy, formatMegabytes, formatMs, formatRate, SCENARIO_NAMES, SOURCE_NAMES } from './format.js';
import type { Report } from './report.js';

export const TITLES = [
  ...['region', 'from', 'served by', 'n', 'ping', 'manifest', 'first byte'],
  ...['whole p50', 'p95', 'p99', 'rate'],
] as const;
const NAMES = 3;
const GAP = '  ';

/** The groups of a size and a scenario, in the order of the regions. */
export function groupsOf(report: Report, size: string, scenario: string): readonly Group[] {
  return report.regions.flatMap(({ name: region }) =>
    SOURCES.flatMap((source) =>
      report.groups.filter(
        (group) =>
          group.size === size && group.scenario === scenario && group.region === region && group.source === source,
      ),
    ),
  );
}

export function cellsOf(group: Group): readonly string[] {
  const ms = (value: number): string => (Number.isNaN(value) ? '–' : formatMs(value));
  const { ping, manifest, firstByte, whole } = group.ms;
  return [
    ...[group.region, SOURCE_NAMES[group.source], describeServedBy(group), String(group.pulls)],
    ...[ping.p50, manifest.p50, firstByte.p50, whole.p50, whole.p95, whole.p99].map(ms),
    formatRate(group.megabytesPerSecond.p50),
  ];
}

/** Everything as lines of text: numbers to the right, names to the left. */
export function renderText(report: Report, style: Style): readonly string[] {
  const rows = report.groups.map(cellsOf);
  const widths = TITLES.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => pad(cell, column, widths))
      .join(GAP)
      .trimEnd();
  const sections = report.sizes.flatMap(({ name, bytes }) =>
    SCENARIOS.flatMap((scenario) => {
      const groups = groupsOf(report, name, scenario);
      if (groups.length === 0) return [];
      const title = `${name} image, ${formatMegabytes(bytes)}, ${SCENARIO_NAMES[scenario]}`;
      return ['', style.bold(title), style.dim(line(TITLES)), ...groups.map((group) => line(cellsOf(group)))];
    }),
  );
  return [...sections, '', ...renderArrivals(report)];
}

function renderArrivals({ arrivals }: Report): readonly string[] {
  return arrivals.map(
    ({ size, region, count, afterMs }) =>
      `${size} image present in ${region} ${formatMs(afterMs.p50)} after its push was answered (p50 of ${count}; p99 ${formatMs(afterMs.p99)})`,
  );
}

function pad(text: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column < NAMES ? text.padEnd(width) : text.padStart(width);
}
