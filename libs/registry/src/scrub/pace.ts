import type { Clock } from '#libs/resilience';

/** Shorter waits are saved up: a timer costs more than they are worth. */
const SHORTEST_WAIT_MS = 20;

/** Time that was not used may be made up for up to this; after a pause nobody wants a burst. */
const CREDIT_MS = 1_000;

/** Keeps reading to a rate: who has read waits as long as it should have taken. */
export class Pace {
  #dueMs: number;

  constructor(
    private readonly bytesPerSecond: number,
    private readonly clock: Clock,
  ) {
    this.#dueMs = clock.monotonic();
  }

  async passed(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.clock.monotonic();
    this.#dueMs = Math.max(this.#dueMs, nowMs - CREDIT_MS) + (bytes / this.bytesPerSecond) * 1_000;
    if (this.#dueMs - nowMs >= SHORTEST_WAIT_MS) await this.clock.sleep(this.#dueMs - nowMs, signal);
  }
}
