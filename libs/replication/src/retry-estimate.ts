import type { RegionStatus } from '#libs/peer';

/** Longer than this nothing is estimated: it would be a guess. */
const MAX_ESTIMATE_SECONDS = 60;

/** Of a line that has not carried anything lately. */
const ASSUMED_BYTES_PER_SECOND = 8 * 1024 ** 2;

/** In how many seconds it is worth asking a region again for what it lacks now: 1 to 60. */
export function retryAfterSeconds({ backlog, throughput, pausedSinceMs, limit }: RegionStatus): number {
  // Nothing comes until somebody says so, but what is read through may.
  if (pausedSinceMs !== undefined) return MAX_ESTIMATE_SECONDS;
  const rate = throughput?.bytesPerSecond || ASSUMED_BYTES_PER_SECOND;
  const seconds = Math.ceil(backlog.bytes / Math.min(rate, limit?.bytesPerSecond ?? rate));
  return Math.min(MAX_ESTIMATE_SECONDS, Math.max(1, seconds));
}
