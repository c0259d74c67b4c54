import type { Random } from './random.js';

/**
 * How long to wait before try `attempt` + 1, in milliseconds: a random time up to `baseMs` × 2^attempt, never above
 * `capMs` (full jitter: those who failed together do not come back together).
 */
export function exponentialBackoff(
  attempt: number,
  options: { readonly baseMs: number; readonly capMs: number },
  random: Random,
): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return random.next() * ceiling;
}
