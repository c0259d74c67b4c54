import { type Clock, type Random, retry } from '#libs/resilience';

const PAUSE = { baseMs: 100, capMs: 5_000 };

export interface UntilDoneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Tries `work` again, ever more rarely, until it succeeds. @throws only when the signal aborts */
export function untilDone<T>(what: string, work: () => Promise<T>, options: UntilDoneOptions): Promise<T> {
  const { clock, random, onRetry, signal } = options;
  const told = (error: unknown): void => onRetry(what, error);
  const policy = {
    attempts: Number.POSITIVE_INFINITY,
    ...PAUSE,
    isRetryable: () => true,
    onRetry: told,
    clock,
    random,
  };
  return retry(work, policy, signal);
}
