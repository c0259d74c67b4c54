import { describe, expect, it } from '@jest/globals';
import { DeadlineExceeded, deadline, withDeadline } from './deadline.js';
import { FakeClock } from './testing/index.js';

const never = () => new Promise<never>(() => undefined);
const forever = () => new AbortController().signal;

describe('withDeadline', () => {
  it('gives the result and stops the clock', async () => {
    const clock = new FakeClock();
    await expect(withDeadline(forever(), 100, clock, async () => 'done')).resolves.toBe('done');
    expect(clock.sleeping).toBe(0);
  });

  it('keeps the error of the work, even if it is thrown at once', async () => {
    const clock = new FakeClock();
    const fail = (): Promise<never> => {
      throw new Error('failed');
    };
    await expect(withDeadline(forever(), 100, clock, fail)).rejects.toThrow('failed');
    expect(clock.sleeping).toBe(0);
  });

  it('ends with the time, and not a moment earlier', async () => {
    const clock = new FakeClock();
    let signal = forever();
    let outcome: unknown;
    withDeadline(forever(), 100, clock, (given) => {
      signal = given;
      return never();
    }).catch((error: unknown) => {
      outcome = error;
    });
    await clock.advance(99);
    expect([outcome, signal.aborted]).toEqual([undefined, false]);
    await clock.advance(1);
    expect(outcome).toEqual(new DeadlineExceeded(100));
    expect(signal.reason).toBe(outcome);
  });

  it('ends when its caller gives up', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const waiting = withDeadline(controller.signal, 100, clock, never);
    controller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  it('does not begin for a caller who has given up', async () => {
    const begun = withDeadline(AbortSignal.abort(new Error('gone')), 100, new FakeClock(), async () => 'begun');
    await expect(begun).rejects.toThrow('gone');
  });
});

describe('deadline', () => {
  it('does nothing more once it was released', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const { signal, release } = deadline(controller.signal, 100, clock);
    release();
    await clock.advance(1_000);
    controller.abort();
    expect(signal.aborted).toBe(false);
    expect(clock.sleeping).toBe(0);
  });
});
