import type { Clock } from '#libs/resilience';

/** Answers of so long ago are forgotten: the way may be another since. */
const REMEMBERED_MS = 60_000;

/** How soon answers begin where nothing is in their way: the quickest of this stretch of time and of the one before. */
export class Quickest {
  #sinceMs = 0;
  #nowMs = Number.POSITIVE_INFINITY;
  #beforeMs = Number.POSITIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  saw(tookMs: number): void {
    const atMs = this.clock.monotonic();
    if (atMs - this.#sinceMs >= REMEMBERED_MS) {
      [this.#sinceMs, this.#beforeMs, this.#nowMs] = [atMs, this.#nowMs, Number.POSITIVE_INFINITY];
    }
    this.#nowMs = Math.min(this.#nowMs, tookMs);
  }

  get ms(): number {
    return Math.min(this.#nowMs, this.#beforeMs);
  }
}
