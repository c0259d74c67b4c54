import { beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { Setbacks } from './setbacks.js';

const blob = { digest: digestOf('blob'), size: 4 };

describe('setbacks of copies', () => {
  let clock: FakeClock;
  let setbacks: Setbacks;

  beforeEach(() => {
    clock = new FakeClock();
    setbacks = new Setbacks({ limits: { failures: 3, afterMs: 600_000 }, clock, random: new SeededRandom(1) });
  });

  async function failFor(ms: number, passing: boolean, stepMs = 1_000): Promise<number> {
    let tries = 0;
    for (let waited = 0; waited < ms; waited += stepMs) {
      if (setbacks.mayTry(blob.digest)) {
        setbacks.add(blob, 'no', passing);
        tries += 1;
      }
      await clock.advance(stepMs);
    }
    return tries;
  }

  it('are tried again ever more rarely, but always', async () => {
    const first = await failFor(600_000, false);
    expect(first).toBeLessThan(15);
    await failFor(12 * 3_600_000, false, 60_000);
    const day = await failFor(24 * 3_600_000, false, 60_000);
    expect(day).toBeGreaterThanOrEqual(23);
    expect(day).toBeLessThan(80);
  });

  it('are tried again soon for as long as the reason is an outage', async () => {
    await failFor(600_000, true);
    expect(await failFor(100_000, true)).toBeGreaterThanOrEqual(9);
  });

  it.each([
    ['within seconds of the end of an outage, which the copy of another blob has told', true, true, true],
    ['later for as long as nothing can be copied', true, false, false],
    ['later when the reason was the blob', false, true, false],
  ])('are tried again %s', async (_what, passing, another, expected) => {
    const random = Object.assign(new SeededRandom(1), { next: () => 0.9 });
    setbacks = new Setbacks({ limits: { failures: 30, afterMs: 600_000 }, clock, random });
    for (let n = 0; n < 12; n += 1) setbacks.add(blob, 'no', passing);
    expect(setbacks.mayTry(blob.digest)).toBe(false);
    await clock.advance(1_000);
    if (another) setbacks.worked();
    expect(setbacks.mayTry(blob.digest)).toBe(false);
    await clock.advance(1_000);
    expect(setbacks.mayTry(blob.digest)).toBe(expected);
  });

  it.each([
    ['three failures of its own', 3, false, 0, 1],
    ['two', 2, false, 0, 0],
    ['many failures in an outage', 50, true, 0, 0],
    ['a long outage', 1, true, 600_000, 1],
  ])('set a copy aside after %s', async (_what, times, passing, laterMs, expected) => {
    for (let n = 0; n < times; n += 1) setbacks.add(blob, 'no', passing);
    await clock.advance(laterMs);
    expect(setbacks.setAside).toHaveLength(expected);
  });

  it('are forgotten when the blob is here, or when nothing waits for it any more', async () => {
    setbacks.add(blob, 'no', false);
    setbacks.forgetUnless(() => false);
    expect(setbacks.all).toHaveLength(1);
    await clock.advance(600_001);
    setbacks.forgetUnless(() => true);
    expect(setbacks.all).toHaveLength(1);
    setbacks.forgetUnless(() => false);
    expect(setbacks.all).toEqual([]);
    setbacks.add(blob, 'no', false);
    setbacks.clear(blob.digest);
    expect([setbacks.all, setbacks.mayTry(blob.digest)]).toEqual([[], true]);
  });

  it('can be tried at once when somebody says so', () => {
    setbacks.add(blob, 'no', false);
    expect(setbacks.mayTry(blob.digest)).toBe(false);
    setbacks.retry([blob.digest, digestOf('another')]);
    expect([setbacks.mayTry(blob.digest), setbacks.all.length]).toEqual([true, 1]);
  });
});
