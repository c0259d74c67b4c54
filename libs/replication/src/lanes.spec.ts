import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { FIRST_LANES, Lanes, MAX_LANES } from './lanes.js';
import { LineModel } from './testing/line-model.js';

const MIB = 1024 * 1024;

/** 200 Mbit/s. */
const RATE = 25_000;
const SMALL_WINDOWS = { rate: RATE, roundTripMs: 80, windowBytes: 64 * 1024 };

describe('the lanes to a source', () => {
  it.each([
    [256, 0.9],
    [1_024, 0.96],
  ])('use nine tenths of a line whose connections carry little, for %d MiB', (mebibytes, share) => {
    const line = new LineModel(SMALL_WINDOWS);
    expect(line.fetch(mebibytes * MIB)).toBeGreaterThan(share);
    expect(line.limits.at(-1)).toBe(MAX_LANES);
  });

  it('are found once: the next blob begins with them', () => {
    const line = new LineModel(SMALL_WINDOWS);
    line.fetch(128 * MIB);
    expect(line.fetch(64 * MIB)).toBeGreaterThan(0.8);
  });

  it.each([
    [RATE, 80, 0.96],
    [RATE, 2, 0.99],
    [5_000, 20, 0.99],
  ])('stay few where some of them fill the line, %d bytes a millisecond and %d ms away', (rate, roundTripMs, share) => {
    const line = new LineModel({ rate, roundTripMs });
    expect(line.fetch(64 * MIB)).toBeGreaterThan(share);
    expect(Math.max(...line.limits)).toBe(FIRST_LANES);
  });

  it('become more where one connection carries much, and the line more', () => {
    expect(new LineModel({ rate: 5 * RATE, roundTripMs: 80 }).fetch(512 * MIB)).toBeGreaterThan(0.88);
  });

  it('become fewer where much waits in the line, and still fill it', () => {
    const line = new LineModel({ rate: 5_000, roundTripMs: 80 });
    expect(line.fetch(64 * MIB)).toBeGreaterThan(0.96);
    expect(line.limits.at(-1)).toBeLessThan(FIRST_LANES);
  });

  it('become fewer again when the line is another one', () => {
    const line = new LineModel(SMALL_WINDOWS);
    line.fetch(256 * MIB);
    line.becomes({ rate: RATE, roundTripMs: 80 });
    expect(line.fetch(512 * MIB)).toBeGreaterThan(0.96);
    expect(line.limits.at(-1)).toBeLessThanOrEqual(12);
  });

  it('stay as they are where there is nothing more to ask for, or bytes are held back', async () => {
    const clock = new FakeClock();
    const [idle, held] = [new Lanes(clock), new Lanes(clock)];
    for (let step = 0; step < 300; step += 1) {
      await clock.advance(10);
      for (const lanes of [idle, held]) lanes.answered(clock.monotonic() - 1);
      held.undecided();
      idle.carried(1_000 * step, false);
      held.carried(1_000 * step, true);
    }
    expect([idle.limit, held.limit]).toEqual([FIRST_LANES, FIRST_LANES]);
  });
});
