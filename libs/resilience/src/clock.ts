import { setTimeout as sleep } from 'node:timers/promises';

/** Time, as a port: the only source of it, so that a whole cluster can run on simulated time. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. For people and for reports; nothing is ordered by it. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never go back. For durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    signal.throwIfAborted();
    try {
      await sleep(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
