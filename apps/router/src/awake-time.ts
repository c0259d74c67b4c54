import type { Clock } from '#libs/resilience';

/** How often whoever owns it should {@link AwakeTime.tick}. */
export const TICK_MS = 500;

/** Time that passes between two ticks beyond this was not lived through. */
const MAX_STEP_MS = 2 * TICK_MS;

/**
 * Time as this process has lived it. While it was stopped, or too busy to read its sockets, it heard of nobody: that
 * says nothing about them. So such a time counts for little, and silence is what was listened to.
 */
export class AwakeTime {
  #awakeMs = 0;
  #tickedMs: number;

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {
    this.#tickedMs = clock.monotonic();
  }

  tick(): void {
    this.#awakeMs = this.now();
    this.#tickedMs = this.clock.monotonic();
  }

  now(): number {
    return this.#awakeMs + Math.min(this.clock.monotonic() - this.#tickedMs, MAX_STEP_MS);
  }
}
