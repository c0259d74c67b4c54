import type { Clock } from './clock.js';
import { Limiter } from './limiter.js';
import { Notifier } from './notifier.js';

/** What was not used for so long is lost: a line that was idle is not flooded afterwards. */
const SAVED_MS = 200;

/** A busy machine wakes those late who wait; so late they may be and lose nothing. */
const LATE_MS = 2_000;

/** What is owed for more than this is forgiven: those who never wait must not stop those who do for good. */
const OWED_MS = 2_000;

/**
 * A token bucket: bytes pass at a rate that all who take share, first come, first served, and that may change at any time.
 * Who takes when it is not empty may take more than there is; the next one waits for it.
 */
export class Pace {
  readonly #turn = new Limiter(1);
  readonly #changed = new Notifier();
  #rate: number | undefined;
  #tokens = 0;
  #atMs = 0;

  constructor(private readonly clock: Clock) {}

  get bytesPerSecond(): number | undefined {
    return this.#rate;
  }

  /** `undefined`: as fast as it goes. Those who wait already go by it. */
  setRate(bytesPerSecond: number | undefined): void {
    if (bytesPerSecond === this.#rate) return;
    this.#refill();
    this.#rate = bytesPerSecond;
    this.#refill();
    this.#changed.notify();
  }

  /** Resolves when that many bytes may pass; `undefined`, without a promise, when nothing is limited. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    return this.#rate === undefined ? undefined : this.#turn.run(signal, () => this.#wait(bytes, signal));
  }

  /** Bytes that pass at once; those who wait make up for them. */
  note(bytes: number): void {
    this.#refill();
    if (this.#rate === undefined) return;
    this.#tokens = Math.max(this.#tokens - bytes, Math.min(this.#tokens, (-this.#rate * OWED_MS) / 1_000));
  }

  async #wait(bytes: number, signal: AbortSignal): Promise<void> {
    for (let savedMs = SAVED_MS; ; savedMs = LATE_MS) {
      const { version } = this.#changed;
      this.#refill(savedMs);
      if (this.#rate === undefined) return;
      if (this.#tokens >= 0) break;
      const limitMs = Math.ceil((-this.#tokens / this.#rate) * 1_000);
      await this.#changed.waitFor(version, { limitMs, clock: this.clock, signal });
    }
    this.#tokens -= bytes;
  }

  #refill(savedMs = SAVED_MS): void {
    const nowMs = this.clock.monotonic();
    const rate = this.#rate ?? 0;
    const earned = this.#tokens + ((nowMs - this.#atMs) / 1_000) * rate;
    this.#tokens = Math.min((rate * savedMs) / 1_000, earned);
    this.#atMs = nowMs;
  }
}
