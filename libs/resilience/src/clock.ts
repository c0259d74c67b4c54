import { onAbort } from './abort.js';

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
    let leftMs = ms;
    do {
      await timer(Math.min(leftMs, LONGEST_TIMER_MS), signal);
      leftMs -= LONGEST_TIMER_MS;
    } while (leftMs > 0);
  },
};

/** Node's own promise of a timer makes an error with a stack of its own for each wait that is given up: most of them. */
function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const waiting = setTimeout(() => {
      stop();
      resolve();
    }, ms);
    const stop = onAbort(signal, () => {
      clearTimeout(waiting);
      reject(signal.reason);
    });
  });
}
