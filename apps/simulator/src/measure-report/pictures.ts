import { findGroup, type Group, SCENARIOS } from '../measure/sample.js';
import { SOURCES, type Source } from '../target/target.js';
import { type Bar, type Chart, drawChart } from './bar-chart.js';
import { formatMegabytes, SCENARIO_NAMES, SOURCE_NAMES } from './format.js';
import type { Report } from './report.js';
import { groupsOf } from './text-table.js';

export interface Picture {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly svg: string;
}

const LEGEND = SOURCES.map((source) => ({ colour: source, label: SOURCE_NAMES[source] }));
const BASELINE_FIRST: readonly Source[] = ['primary', 'router', 'replica'];

export function drawPictures(report: Report): readonly Picture[] {
  return [
    { name: 'pulls', svg: drawChart(pullsChart(report)) },
    { name: 'phases', svg: drawChart(phasesChart(report)) },
    { name: 'scenarios', svg: drawChart(scenariosChart(report)) },
  ];
}

/** Whole images of every size, warm. */
function pullsChart(report: Report): Chart {
  return {
    title: 'Pulling a whole image, warm',
    note: 'The bar is the median, the line reaches to the 95th percentile. Each size has a scale of its own.',
    legend: LEGEND,
    panels: report.sizes.map(({ name, bytes }) => ({
      title: `${name}, ${formatMegabytes(bytes)}`,
      groups: report.regions.map((region) => ({
        label: describeRegion(region),
        bars: BASELINE_FIRST.flatMap((source) => {
          const group = findGroup(report.groups, { scenario: 'warm', size: name, region: region.name, source });
          return group === undefined || group.pulls === 0 ? [] : [barOf(group, baselineOf(report, group))];
        }),
      })),
    })),
  };
}

/** Where the time of a small image goes. */
function phasesChart(report: Report): Chart {
  const [size] = report.sizes;
  const scenarios = SCENARIOS.filter((scenario) => scenario === 'warm' || scenario === 'cold');
  return {
    title: `Where the time goes: the ${size?.name ?? ''} image, ${formatMegabytes(size?.bytes ?? 0)}`,
    note: 'Medians, since the pull began. Warm: connections are open. Cold: they are opened anew, and nobody has pulled it there.',
    legend: [
      { colour: 'phase1', label: '/v2/ answered' },
      { colour: 'phase2', label: 'manifest' },
      { colour: 'phase3', label: "a blob's first byte" },
      { colour: 'phase4', label: 'everything' },
    ],
    panels: scenarios.map((scenario) => ({
      title: SCENARIO_NAMES[scenario],
      groups: report.regions.map((region) => ({
        label: describeRegion(region),
        bars: BASELINE_FIRST.flatMap((source) => {
          const group = findGroup(report.groups, {
            scenario,
            size: size?.name ?? 'small',
            region: region.name,
            source,
          });
          return group === undefined || group.pulls === 0 ? [] : [phasesBar(group)];
        }),
      })),
    })),
  };
}

/** The size that is judged, whatever happens. */
function scenariosChart(report: Report): Chart {
  const name = report.verdicts[0]?.size ?? 'medium';
  const size = report.sizes.find((each) => each.name === name);
  return {
    title: `Whatever happens: the ${name} image, ${formatMegabytes(size?.bytes ?? 0)}`,
    note: 'Median and 95th percentile of the whole image, and who served it.',
    legend: LEGEND,
    panels: report.regions.map((region) => ({
      title: describeRegion(region),
      groups: SCENARIOS.map((scenario) => ({
        label: SCENARIO_NAMES[scenario],
        bars: groupsOf(report, name, scenario)
          .filter((group) => group.region === region.name && group.pulls > 0)
          .toSorted((a, b) => BASELINE_FIRST.indexOf(a.source) - BASELINE_FIRST.indexOf(b.source))
          .map((group) => barOf(group, `by ${group.servedBy.join(', ')}`)),
      })).filter(({ bars }) => bars.length > 0),
    })),
  };
}

function describeRegion({ name, role, roundTripMs }: Report['regions'][number]): string {
  return role === 'primary' ? `${name}, the primary` : `${name}, ${roundTripMs} ms away`;
}

function barOf(group: Group, note: string | undefined): Bar {
  const bar = {
    label: SOURCE_NAMES[group.source],
    segments: [{ colour: group.source, endMs: group.ms.whole.p50 }],
    whiskerMs: group.ms.whole.p95,
  };
  return note === undefined ? bar : { ...bar, note };
}

function baselineOf(report: Report, group: Group): string | undefined {
  const baseline = findGroup(report.groups, { ...group, source: 'primary' });
  if (baseline === undefined || group.source === 'primary') return undefined;
  const saved = Math.round((1 - group.ms.whole.p50 / baseline.ms.whole.p50) * 100);
  return saved > 0 ? `${saved} % faster` : undefined;
}

function phasesBar({ source, ms }: Group): Bar {
  return {
    label: SOURCE_NAMES[source],
    segments: [
      { colour: 'phase1', endMs: ms.ping.p50 },
      { colour: 'phase2', endMs: ms.manifest.p50 },
      { colour: 'phase3', endMs: ms.firstByte.p50 },
      { colour: 'phase4', endMs: ms.whole.p50 },
    ],
  };
}
