import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { percentile, summarize } from './statistics.js';

describe('a percentile', () => {
  it.each([
    [[7], 0.5, 7],
    [[1, 2], 0.5, 1],
    [[3, 1, 2], 0.5, 2],
    [[5, 4, 3, 2, 1], 0.95, 5],
    [[5, 4, 3, 2, 1], 0, 1],
    [[5, 4, 3, 2, 1], 1, 5],
  ])('of %j at %d is %d', (values, share, wanted) => {
    expect(percentile(values, share)).toBe(wanted);
  });

  it('of a hundred values leaves as many above as it says', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(summarize(values)).toEqual({ p50: 50, p95: 95, p99: 99, least: 1, most: 100 });
  });

  it('of nothing is not a number', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('is one of the values, and never falls as the share grows', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { least, p50, p95, p99, most } = summarize(values);
        const all = [least, p50, p95, p99, most];
        expect(all.every((value) => values.includes(value))).toBe(true);
        expect(all).toEqual(all.toSorted((a, b) => a - b));
      }),
    );
  });
});
