import type { Source } from '../target/target.js';

/** A pull or a push of a client, as it saw it. Times are of one clock. */
export interface Attempt {
  readonly kind: 'pull' | 'push';
  readonly region: string;
  readonly source: Source;
  readonly startMs: number;
  readonly endMs: number;
  /** Who sent the blobs. */
  readonly servedBy: readonly string[];
  /** Why it failed; absent when it succeeded. */
  readonly failure?: string;
}

export interface Outcome {
  readonly count: number;
  readonly failed: number;
}

export function outcomeOf(attempts: readonly Attempt[]): Outcome {
  return { count: attempts.length, failed: attempts.filter(({ failure }) => failure !== undefined).length };
}

export function describeOutcome({ count, failed }: Outcome): string {
  return failed === 0 ? `${count} of ${count} succeeded` : `${failed} of ${count} failed`;
}

/**
 * How long after `faultMs` the first attempt began from which on every one succeeded; 0 when none failed. Infinite when
 * the last one failed, or none was made: silence is no success.
 */
export function interruptionMs(attempts: readonly Attempt[], faultMs: number): number {
  const after = attempts.filter(({ endMs }) => endMs >= faultMs).toSorted((a, b) => a.startMs - b.startMs);
  const lastFailed = after.findLastIndex(({ failure }) => failure !== undefined);
  const first = after[lastFailed + 1];
  if (first === undefined) return Number.POSITIVE_INFINITY;
  return lastFailed === -1 ? 0 : Math.max(0, first.startMs - faultMs);
}
