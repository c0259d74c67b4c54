import type { Readiness } from '#libs/platform';
import { type Clock, nextBeat } from '#libs/resilience';

const LOOK_EVERY_MS = 1_000;

/**
 * Whether this process could serve when it was last looked at: routers and other regions are told several times a second,
 * and must neither wait for a store that hangs nor be sent to one that does not answer.
 */
export class StoreWatch {
  #answers = true;

  constructor(
    private readonly readiness: Pick<Readiness, 'report'>,
    private readonly clock: Clock,
  ) {}

  get answers(): boolean {
    return this.#answers;
  }

  /** Looks again and again; resolves when the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { checks } = await this.readiness.report();
      this.#answers = Object.values(checks).every(({ ok }) => ok);
      await nextBeat(LOOK_EVERY_MS, this.clock, signal).catch(() => undefined);
    }
  }
}
