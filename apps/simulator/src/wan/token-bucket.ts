/**
 * The rate of one direction of a line: when a chunk that is ready now has wholly left. All connections on the line
 * take their turns in the order in which they ask. There is no burst: an idle line saves nothing up.
 */
export class TokenBucket {
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** @returns the time, on the clock of `nowMs`, at which the last byte has left */
  depart(bytes: number, megabitsPerSecond: number, nowMs: number): number {
    const start = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = start + bytes / bytesPerMs(megabitsPerSecond);
    return this.#freeAtMs;
  }
}

/** 1 Mbit/s is 125 bytes in a millisecond. */
export function bytesPerMs(megabitsPerSecond: number): number {
  return megabitsPerSecond * 125;
}
