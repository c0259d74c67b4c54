import { describe, expect, it } from '@jest/globals';
import type { RegionStatus } from '#libs/peer';
import { Arrivals } from './arrivals.js';

const { signal } = new AbortController();
const status = (watermark: number, beyond: readonly number[] = []) =>
  ({ watermark, beyond }) as unknown as RegionStatus;

describe('arrivals', () => {
  it('are when a region first said that it has a change, in whatever order they came', async () => {
    const arrivals = new Arrivals();
    arrivals.hear(status(4), 10);
    arrivals.hear(status(4, [6]), 20);
    arrivals.hear(status(6), 30);
    expect(await Promise.all([5, 6].map((seq) => arrivals.of(seq, signal)))).toEqual([30, 20]);
  });

  it('are waited for', async () => {
    const arrivals = new Arrivals();
    arrivals.hear(status(0), 10);
    const asked = arrivals.of(2, signal);
    arrivals.hear(status(1), 20);
    arrivals.hear(status(2), 30);
    expect(await asked).toBe(30);
  });

  it('do not count what was there before', async () => {
    const arrivals = new Arrivals();
    arrivals.hear(status(7), 10);
    await expect(arrivals.until(() => false, 'nothing', signal, 5)).rejects.toThrow('nothing did not come');
  });
});
