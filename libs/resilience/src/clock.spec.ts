import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';
import { settle } from './testing/index.js';

describe('systemClock', () => {
  it('goes on', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(1, new AbortController().signal);
    expect(systemClock.monotonic()).toBeGreaterThan(before);
    expect(systemClock.now()).toBeGreaterThan(1.6e12);
  });

  it.each([1_000, 2 ** 31, Number.POSITIVE_INFINITY])('sleeps for %d ms until told otherwise', async (ms) => {
    const controller = new AbortController();
    let woken = false;
    const sleeping = systemClock.sleep(ms, controller.signal).finally(() => {
      woken = true;
    });
    await settle();
    await systemClock.sleep(3, new AbortController().signal);
    expect(woken).toBe(false);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(systemClock.sleep(ms, controller.signal)).rejects.toThrow('enough');
  });
});
