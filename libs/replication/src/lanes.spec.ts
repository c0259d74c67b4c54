import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { Lanes } from './lanes.js';
import { LineModel } from './testing/line-model.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** 200 Mbit/s. */
const RATE = 25_000;
const SMALL_WINDOWS = { rate: RATE, roundTripMs: 80, windowBytes: 64 * 1024 };

describe('the lanes to a source', () => {
  it.each([
    [256, 0.9],
    [1_024, 0.97],
  ])('use nine tenths of a line whose connections carry little, for %d MiB', (mebibytes, share) => {
    const line = new LineModel(SMALL_WINDOWS);
    expect(line.fetch(mebibytes * MIB)).toBeGreaterThan(share);
    expect(line.limits.at(-1)).toBeGreaterThan(32);
  });

  it('are found once: the next blob begins with them', () => {
    const line = new LineModel(SMALL_WINDOWS);
    line.fetch(128 * MIB);
    expect(line.fetch(64 * MIB)).toBeGreaterThan(0.85);
  });

  it.each([
    // Mbit/s, round trip, MiB, share of the line, the longest wait in it at any time
    [200, 80, 256, 0.97, 150],
    [200, 2, 64, 0.98, 60],
    [200, 160, 256, 0.93, 300],
    [1_000, 80, 512, 0.93, 80],
    [1_000, 20, 512, 0.97, 50],
    [40, 80, 64, 0.97, 120],
    [40, 20, 64, 0.98, 100],
    [8, 80, 8, 0.95, 150],
    [8, 20, 8, 0.95, 200],
  ])(
    'fill a line of %d Mbit/s that is %d ms long, and little waits in it',
    (mbits, roundTripMs, mebibytes, share, ms) => {
      const line = new LineModel({ rate: mbits * 125, roundTripMs });
      expect(line.fetch(mebibytes * MIB)).toBeGreaterThan(share);
      expect(line.fetch(mebibytes * MIB)).toBeGreaterThan(share);
      expect(Math.max(...line.waits)).toBeLessThan(ms);
    },
  );

  it('ask for little at a time where the line is slow, and for much where it is fast', () => {
    const bytes = (rate: number) => {
      const line = new LineModel({ rate, roundTripMs: 40 });
      line.fetch(16 * MIB);
      return line.lanes.requestBytes;
    };
    expect([bytes(1_000), bytes(5_000), bytes(RATE)]).toEqual([32 * KIB, 128 * KIB, 512 * KIB]);
  });

  it('become fewer again when the line is another one', () => {
    const line = new LineModel(SMALL_WINDOWS);
    line.fetch(256 * MIB);
    line.becomes({ rate: RATE, roundTripMs: 80 });
    expect(line.fetch(512 * MIB)).toBeGreaterThan(0.96);
    expect(line.limits.at(-1)).toBeLessThanOrEqual(12);
    line.becomes({ rate: 1_000, roundTripMs: 80 });
    expect(line.fetch(32 * MIB)).toBeGreaterThan(0.96);
    expect(Math.max(...line.waits.slice(-10))).toBeLessThan(150);
  });

  it('become more when the line is faster', () => {
    const line = new LineModel({ rate: 1_000, roundTripMs: 80 });
    line.fetch(8 * MIB);
    line.becomes({ rate: RATE, roundTripMs: 80 });
    line.fetch(256 * MIB);
    expect(line.fetch(256 * MIB)).toBeGreaterThan(0.96);
  });

  it('stay as they are where there is nothing more to ask for, or bytes are held back', async () => {
    const clock = new FakeClock();
    const both = [new Lanes(clock), new Lanes(clock)] as const;
    const [idle, held] = both;
    const steps = async (count: number) => {
      for (let step = 0; step < count; step += 1) {
        await clock.advance(10);
        for (const lanes of both) lanes.answered(clock.monotonic() - 1, false);
        held.undecided();
        idle.carried(1_000 * step, false);
        held.carried(1_000 * step, true);
      }
      return both.map(({ limit }) => limit);
    };
    const known = await steps(10);
    expect(await steps(300)).toEqual(known);
  });
});
