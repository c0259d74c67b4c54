import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { FIRST_LANES, Lanes, MAX_LANES } from './lanes.js';

const STEP_MS = 10;
const PIECE_BYTES = 512 * 1024;

interface Line {
  /** Bytes per millisecond. */
  readonly rate: number;
  readonly roundTripMs: number;
  /** What one connection may have under way. */
  readonly windowBytes?: number;
}

/** Lanes that have been busy on a line for so long, and how much of it they used in the last second. */
async function busy(line: Line, seconds: number, lanes?: Lanes, clock = new FakeClock()) {
  const used = lanes ?? new Lanes(clock);
  const { rate, roundTripMs, windowBytes = Number.POSITIVE_INFINITY } = line;
  let [flowing, sinceMs, carried, atMs, fewest, most] = [0, 0, 0, 0, MAX_LANES, 0];
  for (; atMs < seconds * 1_000; atMs += STEP_MS) {
    await clock.advance(STEP_MS);
    if (used.limit < flowing) flowing = used.limit;
    if (used.limit > flowing && atMs - sinceMs >= 2 * roundTripMs) flowing = used.limit;
    if (used.limit === flowing) sinceMs = atMs;
    const underWay = flowing * Math.min(windowBytes, PIECE_BYTES);
    const waitMs = Math.max(0, underWay / rate - roundTripMs);
    const bytes = Math.min(rate, underWay / roundTripMs) * STEP_MS;
    if (atMs >= (seconds - 1) * 1_000) carried += bytes;
    if (flowing > 0) used.answered(clock.monotonic() - roundTripMs - (atMs < 3 * roundTripMs ? 0 : waitMs));
    if (flowing > 0) used.carried(bytes, true);
    [fewest, most] = [Math.min(fewest, used.limit), Math.max(most, used.limit)];
  }
  return { lanes: used.limit, used, clock, share: carried / (rate * 1_000), fewest, most };
}

describe('the lanes to a source', () => {
  it('become as many as it takes where each carries little, within two seconds', async () => {
    const line = { rate: 25_000, roundTripMs: 80, windowBytes: 64 * 1024 };
    expect((await busy(line, 2)).lanes).toBe(MAX_LANES);
  });

  it.each([
    [25_000, 80],
    [25_000, 2],
    [125_000, 40],
  ])('stay few where some of them fill the line, %d bytes a millisecond and %d ms away', async (rate, roundTripMs) => {
    const { lanes, share } = await busy({ rate, roundTripMs }, 20);
    expect(lanes).toBeLessThanOrEqual(3 * FIRST_LANES);
    expect(share).toBeGreaterThan(0.95);
  });

  it('become fewer where much waits in the line, and still fill it', async () => {
    const { fewest, share } = await busy({ rate: 5_000, roundTripMs: 80 }, 9);
    expect(fewest).toBeLessThanOrEqual(4);
    expect(share).toBeGreaterThan(0.95);
  });

  it('become fewer again when the line is another one', async () => {
    const { used, clock } = await busy({ rate: 25_000, roundTripMs: 80, windowBytes: 64 * 1024 }, 3);
    expect((await busy({ rate: 25_000, roundTripMs: 80 }, 9, used, clock)).lanes).toBeLessThanOrEqual(12);
  });

  it('stay as they are where there is nothing more to ask for, or bytes are held back', async () => {
    const clock = new FakeClock();
    const [idle, held] = [new Lanes(clock), new Lanes(clock)];
    for (let step = 0; step < 300; step += 1) {
      await clock.advance(STEP_MS);
      for (const lanes of [idle, held]) lanes.answered(clock.monotonic() - 1);
      held.undecided();
      idle.carried(1_000 * step, false);
      held.carried(1_000 * step, true);
    }
    expect([idle.limit, held.limit]).toEqual([FIRST_LANES, FIRST_LANES]);
  });
});
