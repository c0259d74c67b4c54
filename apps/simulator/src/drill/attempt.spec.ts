import { describe, expect, it } from '@jest/globals';
import { type Attempt, describeOutcome, interruptionMs, outcomeOf } from './attempt.js';

const attempt = (startMs: number, endMs: number, failure?: string): Attempt => ({
  ...{ kind: 'pull', region: 'a', source: 'router', servedBy: [], startMs, endMs },
  ...(failure !== undefined && { failure }),
});

describe('an interruption', () => {
  it.each([
    ['is none while all succeed', [attempt(0, 90), attempt(100, 190)], 0],
    ['ends with the first that begins well', [attempt(0, 110, 'reset'), attempt(120, 300)], 20],
    [
      'goes on until the last failure',
      [attempt(110, 120, 'x'), attempt(130, 140), attempt(150, 160, 'x'), attempt(170, 180)],
      70,
    ],
    ['does not count what failed before the fault', [attempt(0, 90, 'x'), attempt(100, 190)], 0],
    ['does not end while the last one fails', [attempt(110, 120), attempt(130, 140, 'x')], Number.POSITIVE_INFINITY],
    ['does not end in silence', [attempt(0, 90)], Number.POSITIVE_INFINITY],
  ])('%s', (_, attempts, wanted) => {
    expect(interruptionMs(attempts, 100)).toBe(wanted);
  });
});

it('an outcome is told in words', () => {
  expect(describeOutcome(outcomeOf([attempt(0, 1), attempt(1, 2)]))).toBe('2 of 2 succeeded');
  expect(describeOutcome(outcomeOf([attempt(0, 1, 'x'), attempt(1, 2)]))).toBe('1 of 2 failed');
});
