import type { BlobDescriptor, Digest } from '#libs/oci';
import { type Clock, exponentialBackoff, type Random } from '#libs/resilience';

/** A blob that cannot be had is asked for ever more rarely, and never given up. */
const FIRST_PAUSE_MS = 4_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/** A link or a store that is down comes back, and then the region has half a minute to catch up (I4). */
const LONGEST_OUTAGE_PAUSE_MS = 10_000;

/** When another copy has succeeded since, the outage is over or comes and goes: so long is waited all the same. */
const SHORT_PAUSE_MS = 2_000;

/** Nothing waits for the blob any more: it was deleted, or came in another way. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

/** When a copy that fails again and again is set aside: nothing that comes after it waits for it any more. */
export interface SetAsideLimits {
  /** After so many failures in a row that have to do with the blob. */
  readonly failures: number;
  /** After this time, whatever the reason. */
  readonly afterMs: number;
}

/** A copy that did not succeed so far. */
export interface Setback {
  readonly blob: BlobDescriptor;
  readonly reason: string;
  /** Failures in a row, each after the queue's own tries. */
  readonly failures: number;
  /** Of them, those that had to do with the blob: no outage. */
  readonly ownFailures: number;
  /** When it failed first, and last, by the wall clock. */
  readonly sinceMs: number;
  readonly triedMs: number;
}

interface Kept extends Setback {
  /** By the monotonic clock. */
  readonly failedMs: number;
  readonly againAtMs: number;
  readonly passing: boolean;
}

/** Blobs that could not be copied: why, and when to try again. */
export class Setbacks {
  readonly #setbacks = new Map<Digest, Kept>();
  #workedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly options: { readonly limits: SetAsideLimits; readonly clock: Clock; readonly random: Random },
  ) {}

  /** `passing`: what failed may come back at any moment, and says nothing about the blob. */
  add({ digest, size }: BlobDescriptor, reason: string, passing: boolean): void {
    const { clock, random } = this.options;
    const before = this.#setbacks.get(digest);
    const failures = (before?.failures ?? 0) + 1;
    const capMs = passing ? LONGEST_OUTAGE_PAUSE_MS : LONGEST_PAUSE_MS;
    const pause = exponentialBackoff(failures - 1, { baseMs: FIRST_PAUSE_MS, capMs }, random);
    this.#setbacks.set(digest, {
      blob: { digest, size },
      reason,
      failures,
      ownFailures: (before?.ownFailures ?? 0) + (passing ? 0 : 1),
      sinceMs: before?.sinceMs ?? clock.now(),
      triedMs: clock.now(),
      failedMs: clock.monotonic(),
      againAtMs: clock.monotonic() + pause,
      passing,
    });
  }

  /** Of an earlier process, set aside by it. Tried soon: a restart may be the repair. */
  restore(setbacks: readonly Setback[]): void {
    const { clock, random } = this.options;
    for (const setback of setbacks) {
      const againAtMs = clock.monotonic() + random.next() * FIRST_PAUSE_MS;
      this.#setbacks.set(setback.blob.digest, { ...setback, failedMs: clock.monotonic(), againAtMs, passing: false });
    }
  }

  /** Some copy has succeeded. */
  worked(): void {
    this.#workedMs = this.options.clock.monotonic();
  }

  /** @returns whether there was any */
  clear(digest: Digest): boolean {
    return this.#setbacks.delete(digest);
  }

  mayTry(digest: Digest): boolean {
    const setback = this.#setbacks.get(digest);
    if (setback === undefined) return true;
    const { failedMs, againAtMs, passing } = setback;
    const isOver = passing && this.#workedMs > failedMs;
    return this.options.clock.monotonic() >= (isOver ? Math.min(againAtMs, failedMs + SHORT_PAUSE_MS) : againAtMs);
  }

  /** From now on they may be tried. */
  retry(digests: readonly Digest[]): void {
    for (const digest of digests) {
      const setback = this.#setbacks.get(digest);
      if (setback !== undefined) this.#setbacks.set(digest, { ...setback, againAtMs: 0 });
    }
  }

  get all(): readonly Setback[] {
    return [...this.#setbacks.values()];
  }

  get setAside(): readonly Setback[] {
    const { limits, clock } = this.options;
    return this.all.filter(
      ({ ownFailures, sinceMs }) => ownFailures >= limits.failures || clock.now() - sinceMs >= limits.afterMs,
    );
  }

  /** Forgets those that nothing waits for. */
  forgetUnless(isMissing: (digest: Digest) => boolean): void {
    const untilMs = this.options.clock.now() - FORGOTTEN_AFTER_MS;
    for (const [digest, { triedMs }] of this.#setbacks) {
      if (triedMs < untilMs && !isMissing(digest)) this.#setbacks.delete(digest);
    }
  }
}
