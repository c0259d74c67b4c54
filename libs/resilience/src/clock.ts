import { setTimeout as sleep } from 'node:timers/promises';

/** Time, as a port: the only source of it, so that a whole cluster can run on simulated time. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. For people and for reports; nothing is ordered by it. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never go back. For durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, which may be infinite; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Node's timers fire at once when asked to wait longer (a 32-bit count of milliseconds, about 25 days). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    signal.throwIfAborted();
    try {
      let leftMs = ms;
      do {
        await sleep(Math.min(leftMs, LONGEST_TIMER_MS), undefined, { signal });
        leftMs -= LONGEST_TIMER_MS;
      } while (leftMs > 0);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
