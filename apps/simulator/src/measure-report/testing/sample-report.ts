import { SIZE_NAMES } from '../../measure/image-sizes.js';
import { groupSamples, type Sample, SCENARIOS } from '../../measure/sample.js';
import { SOURCES } from '../../target/target.js';
import type { Report } from '../report.js';
import { judge } from '../verdict.js';

/** A pull that took `wholeMs`, warm and small unless it is said otherwise. */
export function sampleOf(circumstances: Partial<Sample>, wholeMs: number): Sample {
  return {
    ...{ scenario: 'warm', size: 'small', region: 'eastus', source: 'router' },
    ...circumstances,
    pull: {
      ms: { ping: wholeMs * 0.1, manifest: wholeMs * 0.2, firstByte: wholeMs * 0.3, whole: wholeMs },
      bytes: 10_000_000,
      servedBy: [circumstances.source === 'primary' ? 'eastus' : (circumstances.region ?? 'eastus')],
    },
  };
}

const REGIONS: Report['regions'] = [
  { name: 'eastus', role: 'primary', roundTripMs: 0, megabitsPerSecond: null },
  { name: 'westeurope', role: 'replica', roundTripMs: 80, megabitsPerSecond: 200 },
  { name: 'southeastasia', role: 'replica', roundTripMs: 220, megabitsPerSecond: 200 },
];
const SIZES: Report['sizes'] = [
  { name: 'small', bytes: 10_000_000, layers: 3 },
  { name: 'medium', bytes: 250_000_000, layers: 8 },
  { name: 'large', bytes: 1_000_000_000, layers: 8 },
];
const FACTORS = { small: 1, medium: 15, large: 60 };
const SOURCE_MS = { router: 180, replica: 60, primary: 700 };
const SCENARIO_FACTORS = { warm: 1, cold: 1.3, replicating: 3, 'region-down': 3.5 };

/** Figures of every kind, as plausible as they are invented. */
export function sampleReport(): Report {
  const samples = SCENARIOS.flatMap((scenario) =>
    SIZE_NAMES.flatMap((size) =>
      REGIONS.flatMap(({ name: region, role }) =>
        SOURCES.filter((source) => isMeasured(scenario, source, role)).flatMap((source) => {
          const wholeMs = SOURCE_MS[source] * FACTORS[size] * SCENARIO_FACTORS[scenario];
          return [0.9, 1, 1.4].map((factor) => sampleOf({ scenario, size, region, source }, wholeMs * factor));
        }),
      ),
    ),
  );
  const groups = groupSamples(samples).map((group) => ({ ...group, failures: [], servedBy: [...group.servedBy] }));
  return {
    version: 1,
    date: '2026-01-31',
    target: 'an invented cluster',
    network: 'an invented network',
    machine: { processor: 'abacus <9>', cores: 2, memoryGiB: 8, system: 'Linux', node: 'v20', revision: 'abc' },
    seconds: 100,
    scale: 1,
    regions: REGIONS,
    sizes: SIZES,
    groups,
    arrivals: [
      {
        size: 'small',
        region: 'westeurope',
        count: 1,
        afterMs: { p50: 600, p95: 700, p99: 700, least: 600, most: 700 },
      },
    ],
    verdicts: judge(groups, REGIONS, SIZES),
  };
}

function isMeasured(scenario: Sample['scenario'], source: Sample['source'], role: string): boolean {
  return (scenario !== 'region-down' || source === 'router') && (role === 'replica' || source !== 'replica');
}
