import { describe, expect, it } from '@jest/globals';
import { groupSamples } from '../measure/sample.js';
import { sampleOf } from './testing/sample-report.js';
import { judge, sentenceOf, timeSavedPercent } from './verdict.js';

const REGIONS = [
  { name: 'home', role: 'primary', roundTripMs: 0, megabitsPerSecond: null },
  { name: 'away', role: 'replica', roundTripMs: 80, megabitsPerSecond: 200 },
] as const;
const MEDIUM = { name: 'medium', bytes: 250_000_000, layers: 8 } as const;

const judged = (replicaMs: number, primaryMs: number) =>
  judge(
    groupSamples([
      sampleOf({ region: 'away', source: 'replica', size: 'medium' }, replicaMs),
      sampleOf({ region: 'away', source: 'primary', size: 'medium' }, primaryMs),
    ]),
    [...REGIONS],
    [MEDIUM],
  );

describe('the verdict on a replica', () => {
  it.each([
    [100, 1_000, 90, true],
    [400, 1_000, 60, true],
    [401, 1_000, 59, false],
    [1_000, 1_000, 0, false],
    [1_500, 1_000, -50, false],
  ])('with %d ms instead of %d ms saves %d percent: %s', (replicaMs, primaryMs, fasterPercent, holds) => {
    expect(judged(replicaMs, primaryMs)).toMatchObject([{ region: 'away', fasterPercent, holds }]);
  });

  it('does not hold where nothing was measured', () => {
    const [verdict] = judge([], [...REGIONS], [MEDIUM]);
    expect(verdict?.holds).toBe(false);
    expect(verdict && sentenceOf(verdict)).toBe('pulls in away could not be compared with the primary');
  });

  it('is a sentence', () => {
    const sentences = [judged(100, 1_000), judged(900, 1_000), judged(1_500, 1_000)].flat().map(sentenceOf);
    expect(sentences).toEqual([
      'pulls in away are 90 % faster than from the primary',
      'pulls in away are 10 % faster than from the primary; at least 60 % is wanted',
      'pulls in away are 50 % slower than from the primary; at least 60 % is wanted',
    ]);
  });

  it('rounds down', () => {
    expect(timeSavedPercent(1_000, 400.5)).toBe(59);
  });
});
