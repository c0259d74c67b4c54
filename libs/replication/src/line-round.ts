/** What came over a line within a stretch of time, and how soon answers to what was asked in it began. */
export class LineRound {
  #sinceMs: number | undefined;
  #lastMs = 0;
  #bytes = 0;
  #burst = { sinceMs: 0, bytes: 0 };
  #peak = 0;
  #full = 0;
  #idle = 0;
  #answerMs: number | undefined;
  /** Some of it came from a source that is only just getting it. */
  isGrowing = false;

  /** `burstMs`: the most that came at a time is that of so long. */
  constructor(private readonly burstMs: number) {}

  /** The quickest answer: what stands in the line everybody waits for. */
  get answerMs(): number | undefined {
    return this.#answerMs;
  }

  /** Whether as many requests as may be were under way most of the time. */
  get isFull(): boolean {
    return this.#full > this.#idle;
  }

  get tookMs(): number {
    return this.#sinceMs === undefined ? 0 : this.#lastMs - this.#sinceMs;
  }

  /** Bytes per millisecond. */
  get rate(): number {
    return this.#bytes / Math.max(1, this.tookMs);
  }

  /** The most that came at a time, which is what the line can carry if nobody waited for anything. */
  get peak(): number {
    return Math.max(this.#peak, this.rate);
  }

  /** What was asked before the round says how the line was, not how it is. */
  answered(askedMs: number, atMs: number): void {
    if (this.#sinceMs === undefined || askedMs < this.#sinceMs) return;
    this.#answerMs = Math.min(this.#answerMs ?? Number.POSITIVE_INFINITY, atMs - askedMs);
  }

  carried(bytes: number, full: boolean, atMs: number): void {
    if (full) this.#full += 1;
    else this.#idle += 1;
    this.#lastMs = atMs;
    if (this.#sinceMs === undefined) {
      // These left before the round.
      this.#sinceMs = atMs;
      this.#burst = { sinceMs: atMs, bytes: 0 };
      return;
    }
    this.#bytes += bytes;
    this.#burst.bytes += bytes;
    const burstMs = atMs - this.#burst.sinceMs;
    this.#peak = Math.max(this.#peak, this.#burst.bytes / Math.max(this.burstMs, burstMs));
    if (burstMs >= this.burstMs) this.#burst = { sinceMs: atMs, bytes: 0 };
  }

  /** It tells nothing of the line. */
  spoil(): void {
    this.#idle += 1_000;
  }
}
