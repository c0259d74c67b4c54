import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, systemClock } from '#libs/resilience';
import { Interrupted, Interrupts } from './interrupts.js';

describe('a signal to end', () => {
  let now: number;
  let forced: number;
  let interrupts: Interrupts;
  const clock: Clock = { ...systemClock, monotonic: () => now };

  beforeEach(() => {
    now = 1_000;
    forced = 0;
    interrupts = new Interrupts(clock, () => {
      forced += 1;
    });
  });

  afterEach(() => interrupts.close());

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s asks for an orderly end', async (name) => {
    process.emit(name, name);
    await interrupts.wait();
    expect(interrupts.signal.reason).toBeInstanceOf(Interrupted);
    expect(forced).toBe(0);
  });

  it('is not taken for a second one when it comes twice', () => {
    process.emit('SIGINT', 'SIGINT');
    now += 400;
    process.emit('SIGINT', 'SIGINT');
    expect(forced).toBe(0);
  });

  it('makes an end at once when a person asks again', () => {
    process.emit('SIGINT', 'SIGINT');
    now += 600;
    process.emit('SIGINT', 'SIGINT');
    expect(forced).toBe(1);
  });
});
