import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IMPOSSIBLE, isLinearizable, type Step } from './linearizable.js';

type Value = string | null;

const write = (value: Value, startMs: number, endMs: number, certain = true): Step<Value> => {
  return { startMs, endMs, certain, apply: () => value };
};
const read = (value: Value, startMs: number, endMs: number): Step<Value> => {
  return { startMs, endMs, certain: true, apply: (state) => (state === value ? state : IMPOSSIBLE) };
};
const swap = (from: Value, to: Value, startMs: number, endMs: number): Step<Value> => {
  return { startMs, endMs, certain: true, apply: (state) => (state === from ? to : IMPOSSIBLE) };
};
const later = Number.POSITIVE_INFINITY;

describe('the search for an order', () => {
  it.each<[string, readonly Step<Value>[], boolean]>([
    ['nothing at all', [], true],
    ['a read of what was written', [write('a', 0, 1), read('a', 2, 3)], true],
    ['a read of what was never written', [write('a', 0, 1), read('b', 2, 3)], false],
    ['a read that missed a write before it', [write('a', 0, 1), read(null, 2, 3)], false],
    ['a read beside a write, before or after it', [write('a', 0, 9), read(null, 2, 3)], true],
    ['reads that go back', [write('a', 0, 1), write('b', 2, 9), read('b', 3, 4), read('a', 5, 6)], false],
    ['two readers who disagree on the order of two writes', disagreement(), false],
    ['an unknown write that was seen', [write('a', 0, later, false), read('a', 5, 6)], true],
    ['an unknown write that was not seen yet', [write('a', 0, later, false), read(null, 5, 6)], true],
    ['an unknown write that came, and went', [write('a', 0, later, false), read('a', 5, 6), read(null, 7, 8)], false],
    ['one winner of a swap', [write('a', 0, 1), swap('a', 'b', 2, 9), read('b', 10, 11)], true],
    ['two winners of a swap', [write('a', 0, 1), swap('a', 'b', 2, 9), swap('a', 'c', 2, 9)], false],
    ['a chain of swaps, side by side', [swap('b', 'c', 0, 9), swap(null, 'a', 0, 9), swap('a', 'b', 0, 9)], true],
  ])('%s', (_name, steps, expected) => {
    expect(isLinearizable<Value>(null, steps)).toBe(expected);
  });

  it('accepts whatever one register answered, however the times are stretched around the moments of truth', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        expect(isLinearizable<Value>(null, steps)).toBe(true);
      }),
    );
  });

  it('refuses each of those histories once a read in it has seen what was never there', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        expect(isLinearizable<Value>(null, [...steps, read('never written', 0, 1_000)])).toBe(false);
      }),
    );
  });

  it('refuses each of those histories once somebody, at the end, reads what was overwritten', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const end = [write('old', 2_000, 2_001), write('new', 2_002, 2_003), read('old', 2_004, 2_005)];
        expect(isLinearizable<Value>(null, [...steps, ...end])).toBe(false);
      }),
    );
  });
});

function disagreement(): readonly Step<Value>[] {
  const writes = [write('a', 0, 20), write('b', 0, 20)];
  const one = [read('a', 1, 2), read('b', 3, 4)];
  const other = [read('b', 5, 6), read('a', 7, 8), read('b', 9, 10)];
  return [...writes, ...one, ...other];
}

/** What a true register answers: each step takes its effect at its own moment, and lasts for a while around that. */
const histories = fc
  .array(
    fc.record({
      value: fc.constantFrom(...['a', 'b', 'c']),
      write: fc.boolean(),
      before: fc.nat({ max: 40 }),
      after: fc.nat({ max: 40 }),
    }),
    { maxLength: 25 },
  )
  .map((moments) => {
    let state: Value = null;
    return moments.map(({ value, write: writes, before, after }, index) => {
      const [startMs, endMs] = [100 + index * 10 - before, 100 + index * 10 + after];
      if (!writes) return read(state, startMs, endMs);
      state = value;
      return write(value, startMs, endMs);
    });
  });
