import type { Source } from '../target/target.js';
import type { SizeName } from './image-sizes.js';
import { type Summary, summarize } from './statistics.js';
import type { TimedPull } from './timed-pull.js';

export const SCENARIOS = ['warm', 'cold', 'replicating', 'region-down'] as const;

/**
 * `warm`: pulled there before, connections open. `cold`: nobody has pulled it there yet, and connections are opened anew.
 * `replicating`: begun when the push was answered. `region-down`: the client's own region is gone.
 */
export type Scenario = (typeof SCENARIOS)[number];

export interface Circumstances {
  readonly scenario: Scenario;
  readonly size: SizeName;
  readonly region: string;
  readonly source: Source;
}

/** One pull. */
export interface Sample extends Circumstances {
  readonly pull: TimedPull | undefined;
  /** Why it failed. */
  readonly failure?: string;
}

/** Since the pull began, in the order in which they happen; `ping` is where a token would be. */
export const PHASES = ['ping', 'manifest', 'firstByte', 'whole'] as const;
export type Phase = (typeof PHASES)[number];

/** All pulls of the same kind. */
export interface Group extends Circumstances {
  readonly pulls: number;
  readonly failures: readonly string[];
  readonly servedBy: readonly string[];
  readonly bytes: number;
  readonly ms: Readonly<Record<Phase, Summary>>;
  readonly megabytesPerSecond: Summary;
}

const BYTES_PER_MEGABYTE = 1_000_000;
const MS_PER_SECOND = 1_000;

/** In the order in which their first samples came. */
export function groupSamples(samples: readonly Sample[]): readonly Group[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = [sample.scenario, sample.size, sample.region, sample.source].join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample]);
    else group.push(sample);
  }
  return [...groups.values()].flatMap(summarizeGroup);
}

function summarizeGroup(samples: readonly Sample[]): readonly Group[] {
  const [first] = samples;
  if (first === undefined) return [];
  const { scenario, size, region, source } = first;
  const pulls = samples.flatMap(({ pull }) => pull ?? []);
  const of = (phase: Phase): Summary => summarize(pulls.map(({ ms }) => ms[phase]));
  const group: Group = {
    ...{ scenario, size, region, source },
    pulls: pulls.length,
    failures: samples.flatMap(({ failure }) => failure ?? []),
    servedBy: [...new Set(pulls.flatMap(({ servedBy }) => servedBy))],
    bytes: Math.max(0, ...pulls.map(({ bytes }) => bytes)),
    ms: { ping: of('ping'), manifest: of('manifest'), firstByte: of('firstByte'), whole: of('whole') },
    megabytesPerSecond: summarize(
      pulls.map(({ bytes, ms }) => bytes / BYTES_PER_MEGABYTE / (ms.whole / MS_PER_SECOND)),
    ),
  };
  return [group];
}

export function findGroup(groups: readonly Group[], wanted: Circumstances): Group | undefined {
  return groups.find(
    ({ scenario, size, region, source }) =>
      scenario === wanted.scenario && size === wanted.size && region === wanted.region && source === wanted.source,
  );
}
