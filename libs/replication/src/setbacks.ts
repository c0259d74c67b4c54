import type { Digest } from '#libs/oci';
import { type Clock, exponentialBackoff, type Random } from '#libs/resilience';

/** A blob that cannot be had is asked for ever more rarely, and never given up. */
const FIRST_PAUSE_MS = 4_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/** A link or a store that is down comes back, and then the region has half a minute to catch up (I4). */
const LONGEST_OUTAGE_PAUSE_MS = 10_000;

interface Setback {
  readonly reason: string;
  readonly times: number;
  readonly againAtMs: number;
}

/** Blobs that could not be copied: why, and when to try again. Lost at a restart, which tries everything anew. */
export class Setbacks {
  readonly #setbacks = new Map<Digest, Setback>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** `passing`: what failed may come back at any moment, and says nothing about the blob. */
  add(digest: Digest, reason: string, passing: boolean): void {
    const times = (this.#setbacks.get(digest)?.times ?? 0) + 1;
    const capMs = passing ? LONGEST_OUTAGE_PAUSE_MS : LONGEST_PAUSE_MS;
    const pause = exponentialBackoff(times - 1, { baseMs: FIRST_PAUSE_MS, capMs }, this.random);
    this.#setbacks.set(digest, { reason, times, againAtMs: this.clock.monotonic() + pause });
  }

  clear(digest: Digest): void {
    this.#setbacks.delete(digest);
  }

  mayTry(digest: Digest): boolean {
    return (this.#setbacks.get(digest)?.againAtMs ?? 0) <= this.clock.monotonic();
  }

  list(): readonly { readonly digest: Digest; readonly reason: string }[] {
    return [...this.#setbacks].map(([digest, { reason }]) => ({ digest, reason }));
  }
}
