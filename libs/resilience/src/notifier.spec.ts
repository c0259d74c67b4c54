import { describe, expect, it } from '@jest/globals';
import { Notifier } from './notifier.js';
import { FakeClock } from './testing/index.js';

function waiting(limitMs = 100) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const notifier = new Notifier();
  const wait = (version = notifier.version) => notifier.waitFor(version, { limitMs, clock, signal: controller.signal });
  return { clock, controller, notifier, wait };
}

describe('Notifier', () => {
  it('wakes everybody who waits, and leaves no timer behind', async () => {
    const { clock, notifier, wait } = waiting();
    const both = [wait(), wait()];
    notifier.notify();
    await expect(Promise.all(both)).resolves.toEqual([true, true]);
    expect(clock.sleeping).toBe(0);
  });

  it('does not miss what changed before one began to wait', async () => {
    const { notifier, wait } = waiting();
    const { version } = notifier;
    notifier.notify();
    await expect(wait(version)).resolves.toBe(true);
  });

  it('does not miss what changes while one begins to wait', async () => {
    const { clock, controller, notifier } = waiting();
    let ended = false;
    const sleep = (ms: number, signal: AbortSignal): Promise<void> => {
      notifier.notify();
      signal.addEventListener('abort', () => {
        ended = true;
      });
      return clock.sleep(ms, signal);
    };
    const during = { now: () => clock.now(), monotonic: () => clock.monotonic(), sleep };
    const options = { limitMs: 100, clock: during, signal: controller.signal };
    await expect(notifier.waitFor(notifier.version, options)).resolves.toBe(true);
    expect([ended, clock.sleeping]).toEqual([true, 0]);
  });

  it('says when nothing changed in time', async () => {
    const { clock, wait } = waiting();
    const answer = wait();
    await clock.advance(100);
    await expect(answer).resolves.toBe(false);
  });

  it('waits without a limit', async () => {
    const { clock, notifier, wait } = waiting(Number.POSITIVE_INFINITY);
    const answer = wait();
    await clock.advance(1e12);
    notifier.notify();
    await expect(answer).resolves.toBe(true);
  });

  it('lets a waiter leave', async () => {
    const { clock, controller, notifier, wait } = waiting();
    const answer = wait();
    controller.abort(new Error('gone'));
    await expect(answer).rejects.toThrow('gone');
    notifier.notify();
    await expect(wait()).rejects.toThrow('gone');
    expect(clock.sleeping).toBe(0);
  });
});
