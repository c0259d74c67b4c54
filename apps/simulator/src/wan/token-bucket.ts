/**
 * The rate of one direction of a line: when a chunk has wholly left. All connections on the line take their turns in the
 * order in which they ask. There is no burst: an idle line saves nothing up. A rate that changes holds for what waits, too.
 */
export class TokenBucket {
  #asked = 0;
  #left = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #megabitsPerSecond = 0;

  /** A chunk that is ready now takes its turn. @returns its place, for {@link departure} */
  queue(bytes: number, megabitsPerSecond: number, nowMs: number): number {
    this.#pass(megabitsPerSecond, nowMs);
    this.#asked += bytes;
    return this.#asked;
  }

  /** The time, on the clock of `nowMs`, at which the last byte of that place will have left; `undefined` if it has. */
  departure(place: number, megabitsPerSecond: number, nowMs: number): number | undefined {
    this.#pass(megabitsPerSecond, nowMs);
    const ahead = place - this.#left;
    return ahead > 0 ? this.#atMs + ahead / bytesPerMs(megabitsPerSecond) : undefined;
  }

  #pass(megabitsPerSecond: number, nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    if (passedMs > 0) {
      const bytes = this.#asked === this.#left ? 0 : passedMs * bytesPerMs(this.#megabitsPerSecond);
      this.#left = Math.min(this.#asked, this.#left + bytes);
      this.#atMs = nowMs;
    }
    this.#megabitsPerSecond = megabitsPerSecond;
  }
}

/** 1 Mbit/s is 125 bytes in a millisecond. */
export function bytesPerMs(megabitsPerSecond: number): number {
  return megabitsPerSecond * 125;
}
