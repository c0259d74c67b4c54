import { describe, expect, it } from '@jest/globals';
import { isLinearizable } from './linearizable-tags.js';

type Step = Parameters<typeof isLinearizable>[0][number];

const operation = {} as Step['operation'];
const write = (value: string | undefined, startMs: number, endMs: number, certain = true): Step => {
  return { operation, startMs, endMs, certain, apply: () => value };
};
const read = (value: string | undefined, startMs: number, endMs: number): Step => {
  return { operation, startMs, endMs, certain: true, apply: (state) => (state === value ? state : false) };
};
const later = Number.POSITIVE_INFINITY;

describe('the search for an order', () => {
  it.each<[string, readonly Step[], boolean]>([
    ['nothing at all', [], true],
    ['a read of what was written', [write('a', 0, 1), read('a', 2, 3)], true],
    ['a read of what was never written', [write('a', 0, 1), read('b', 2, 3)], false],
    ['a read that missed a write before it', [write('a', 0, 1), read(undefined, 2, 3)], false],
    ['a read beside a write, before or after it', [write('a', 0, 9), read(undefined, 2, 3)], true],
    ['reads that go back', [write('a', 0, 1), write('b', 2, 9), read('b', 3, 4), read('a', 5, 6)], false],
    ['an unknown write that was seen', [write('a', 0, later, false), read('a', 5, 6)], true],
    ['an unknown write that was not seen yet', [write('a', 0, later, false), read(undefined, 5, 6)], true],
    [
      'an unknown write that came, and went',
      [write('a', 0, later, false), read('a', 5, 6), read(undefined, 7, 8)],
      false,
    ],
  ])('%s', (_name, steps, expected) => {
    expect(isLinearizable(steps)).toBe(expected);
  });
});
