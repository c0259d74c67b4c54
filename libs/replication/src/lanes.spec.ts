import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { Lanes } from './lanes.js';

const STEP_MS = 10;
const RUN_MS = 6_000;

/** A link of 25,000 bytes/ms: each lane carries `perLane` bytes/ms, from `startMs` after it was opened, all no more than the link. */
async function grown({ perLane, startMs, heldAtMs }: { perLane: number; startMs: number; heldAtMs?: number }) {
  const clock = new FakeClock();
  const lanes = new Lanes(clock);
  const ended = new AbortController();
  const opened: number[] = [];
  const growing = lanes.grow(() => opened.push(clock.monotonic()), ended.signal).catch(() => undefined);
  const beganMs = clock.monotonic();
  const lastMs = () => (opened.at(-1) ?? beganMs) - beganMs;
  for (let atMs = 0; atMs < RUN_MS; atMs += STEP_MS) {
    if (atMs === heldAtMs) lanes.hold();
    await clock.advance(STEP_MS);
    const flowing = opened.filter((sinceMs) => clock.monotonic() - sinceMs > startMs).length;
    if (flowing > 0) lanes.carried(Math.min(flowing * perLane, 25_000) * STEP_MS);
  }
  ended.abort(new Error('the test is over'));
  await growing;
  return { lanes: opened.length, lastMs: lastMs() };
}

describe('the lanes of a copy', () => {
  it('become as many as it takes where each carries little, within two seconds', async () => {
    const { lanes, lastMs } = await grown({ perLane: 800, startMs: 160 });
    expect(lanes).toBe(48);
    expect(lastMs).toBeLessThan(2_000);
  });

  it.each([2, 160, 440])('stay few where some of them fill the link, %d ms away', async (startMs) => {
    expect((await grown({ perLane: 10_000, startMs })).lanes).toBe(8);
  });

  it('stay as they are where the bytes come from a copy that is being made elsewhere', async () => {
    expect((await grown({ perLane: 800, startMs: 40, heldAtMs: 200 })).lanes).toBe(4);
  });

  it('grow, if need be, where the first byte is slow to come', async () => {
    expect((await grown({ perLane: 800, startMs: 900 })).lanes).toBeGreaterThanOrEqual(8);
  });
});
