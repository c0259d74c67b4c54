import { findGroup, type Group } from '../measure/sample.js';
import type { Report } from './report.js';

type Verdict = Report['verdicts'][number];

/** What having a replica nearby has to be worth: the time that is saved on the whole image. */
export const WANTED_PERCENT = 60;

/** Own replica against primary, warm, p50 of the whole image: of the medium size, or the largest that was measured. */
export function judge(groups: readonly Group[], regions: Report['regions'], sizes: Report['sizes']): Verdict[] {
  const size = sizes.find(({ name }) => name === 'medium') ?? sizes.at(-1);
  if (size === undefined) return [];
  const replicas = regions.filter(({ role }) => role === 'replica');
  return replicas.map(({ name }) => {
    const wholeMs = (source: 'replica' | 'primary'): number =>
      findGroup(groups, { scenario: 'warm', size: size.name, region: name, source })?.ms.whole.p50 ?? Number.NaN;
    const [replicaMs, primaryMs] = [wholeMs('replica'), wholeMs('primary')];
    const fasterPercent = timeSavedPercent(primaryMs, replicaMs);
    return {
      region: name,
      size: size.name,
      replicaMs,
      primaryMs,
      fasterPercent,
      wantedPercent: WANTED_PERCENT,
      holds: fasterPercent >= WANTED_PERCENT,
    };
  });
}

/** Rounded down: 59.9 is not 60. */
export function timeSavedPercent(beforeMs: number, nowMs: number): number {
  return Math.floor((100 * (beforeMs - nowMs)) / beforeMs);
}

/** The sentence that matters. */
export function sentenceOf({ region, fasterPercent, wantedPercent, holds }: Verdict): string {
  if (Number.isNaN(fasterPercent)) return `pulls in ${region} could not be compared with the primary`;
  const how = fasterPercent < 0 ? `${-fasterPercent} % slower` : `${fasterPercent} % faster`;
  const sentence = `pulls in ${region} are ${how} than from the primary`;
  return holds ? sentence : `${sentence}; at least ${wantedPercent} % is wanted`;
}
