import { beforeEach, describe, expect, it } from '@jest/globals';
import { Pace } from './pace.js';
import { FakeClock } from './testing/index.js';

const CHUNK = 10_000;
const never = new AbortController().signal;

describe('a pace', () => {
  let clock: FakeClock;
  let pace: Pace;
  let passed: number;
  const stopping: AbortController[] = [];

  beforeEach(() => {
    clock = new FakeClock();
    pace = new Pace(clock);
    passed = 0;
    for (const controller of stopping.splice(0)) controller.abort();
  });

  /** Takes again and again, as a copy does. */
  function taker(): void {
    const stop = new AbortController();
    stopping.push(stop);
    const taking = async (): Promise<void> => {
      for (;;) {
        await (pace.take(CHUNK, stop.signal) ?? clock.sleep(1, stop.signal));
        passed += CHUNK;
      }
    };
    taking().catch(() => undefined);
  }

  async function within(seconds: number): Promise<number> {
    const before = passed;
    await clock.advance(seconds * 1_000);
    return passed - before;
  }

  it.each([1, 7, 96])('is kept by %i takers together', async (takers) => {
    pace.setRate(1_000_000);
    for (let n = 0; n < takers; n += 1) taker();
    const bytes = await within(10);
    expect(bytes / 10_000_000).toBeGreaterThan(0.97);
    expect(bytes / 10_000_000).toBeLessThan(1.03);
  });

  it('changes for those who wait already', async () => {
    pace.setRate(1_000);
    taker();
    await within(1);
    pace.setRate(1_000_000);
    expect((await within(10)) / 10_000_000).toBeGreaterThan(0.95);
    pace.setRate(100_000);
    expect((await within(10)) / 1_000_000).toBeLessThan(1.2);
    pace.setRate(undefined);
    expect(await within(1)).toBeGreaterThan(9_000_000);
  });

  it('makes up for bytes that did not wait, but not for ever', async () => {
    pace.setRate(1_000_000);
    taker();
    await within(1);
    for (let n = 0; n < 50; n += 1) pace.note(10_000);
    expect((await within(1)) / 500_000).toBeLessThan(1.1);
    pace.note(1_000_000_000);
    expect(await within(2)).toBeLessThan(50_000);
    expect((await within(1)) / 1_000_000).toBeGreaterThan(0.9);
  });

  it('does not flood a line that was idle', async () => {
    pace.setRate(1_000_000);
    await clock.advance(60_000);
    taker();
    expect(await within(1)).toBeLessThan(1_250_000);
  });

  it('keeps nobody who gave up', async () => {
    pace.setRate(1_000);
    await pace.take(CHUNK, never);
    const gone = new AbortController();
    const waiting = pace.take(CHUNK, gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    pace.setRate(1_000_000);
    await Promise.all([pace.take(CHUNK, never), clock.advance(100)]);
  });

  it('needs no promise while nothing is limited', () => {
    expect(pace.take(CHUNK, never)).toBeUndefined();
  });
});
