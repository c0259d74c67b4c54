import { exponentialBackoff } from './backoff.js';
import type { Clock } from './clock.js';
import type { Random } from './random.js';

export interface RetryPolicy {
  /** How often it is tried at most, the first time included. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** Whether a failure may pass by itself. Decided where the error is born; here it is only asked. */
  readonly isRetryable: (error: unknown) => boolean;
  /** Hears of every failure that is followed by another try. */
  readonly onRetry?: (error: unknown, attempt: number) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Runs `work` until it succeeds. Rejects with its last error, or with the signal's reason while it waits. */
export async function retry<T>(
  work: (signal: AbortSignal) => Promise<T>,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await work(signal);
    } catch (error) {
      if (signal.aborted || attempt + 1 >= policy.attempts || !policy.isRetryable(error)) throw error;
      policy.onRetry?.(error, attempt);
      await policy.clock.sleep(exponentialBackoff(attempt, policy, policy.random), signal);
    }
  }
}
