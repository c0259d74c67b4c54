import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exponentialBackoff } from './backoff.js';
import type { Random } from './random.js';
import { SeededRandom } from './testing/index.js';

describe('exponentialBackoff', () => {
  const most: Random = { next: () => 1 - Number.EPSILON, uuid: () => '', bytes: () => new Uint8Array() };

  it.each([
    [0, 100],
    [1, 200],
    [3, 800],
    [4, 1_000],
    [10_000, 1_000],
  ])('waits before try %i + 1 for at most %i ms', (attempt, limitMs) => {
    expect(exponentialBackoff(attempt, { baseMs: 100, capMs: 1_000 }, most)).toBeCloseTo(limitMs);
  });

  it('spreads over the whole time', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(100), (seed, attempt) => {
        const random = new SeededRandom(seed);
        const delays = Array.from({ length: 50 }, () =>
          exponentialBackoff(attempt, { baseMs: 100, capMs: 1_000 }, random),
        );
        const limit = Math.min(1_000, 100 * 2 ** attempt);
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
        expect(Math.min(...delays)).toBeLessThan(limit / 2);
        expect(Math.max(...delays)).toBeGreaterThan(limit / 2);
        expect(Math.max(...delays)).toBeLessThan(limit);
      }),
    );
  });
});
