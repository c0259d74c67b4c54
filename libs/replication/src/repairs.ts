import type { BlobDescriptor, Digest } from '#libs/oci';
import { type Clock, exponentialBackoff, Limiter, type Random, untilAborted } from '#libs/resilience';

/** Repairs that are tried again at once, at the most; the others are found by the next scrub. */
const MAX_REMEMBERED = 1_000;

/** Side by side: pulls and copies for entries come first. */
const CONCURRENCY = 2;

/** Tries until the next scrub has to find it: some hours, in which a region that was cut off comes back. */
const MAX_TRIES = 30;
const PAUSE = { baseMs: 5_000, capMs: 10 * 60_000 };

export interface RepairsOptions {
  /** Whether the bytes that are here are right after all; then they are in use again. */
  readonly reinstate: (digest: Digest, signal: AbortSignal) => Promise<boolean>;
  /** Resolves when the blob is stored here, hashed here. */
  readonly copy: (blob: BlobDescriptor, signal: AbortSignal) => Promise<void>;
  /** Whether there is another region at all. */
  readonly hasSources: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRepaired: (blob: BlobDescriptor) => void;
  readonly onFailed: (blob: BlobDescriptor, error: unknown) => void;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** Blobs that were found damaged or missing, fetched anew from other regions. What fails is tried again for a while. */
export class Repairs {
  readonly #limiter = new Limiter(CONCURRENCY);
  readonly #firstTries = new Map<Digest, Promise<boolean>>();

  constructor(private readonly options: RepairsOptions) {}

  /** One try, shared by all who ask for the blob. @returns whether it is here now */
  repair(blob: BlobDescriptor, signal: AbortSignal): Promise<boolean> {
    const running = this.#firstTries.get(blob.digest);
    if (running !== undefined) return untilAborted(running, signal);
    if (this.#firstTries.size >= MAX_REMEMBERED) return Promise.resolve(false);
    const first = this.#try(blob);
    this.#firstTries.set(blob.digest, first);
    // It only rejects when the process stops.
    this.#keepTrying(blob, first).catch(() => undefined);
    return untilAborted(first, signal);
  }

  async #keepTrying(blob: BlobDescriptor, first: Promise<boolean>): Promise<void> {
    const { hasSources, clock, random, signal } = this.options;
    try {
      let repaired = await first;
      for (let attempt = 1; hasSources && !repaired && attempt < MAX_TRIES; attempt += 1) {
        await clock.sleep(exponentialBackoff(attempt, PAUSE, random), signal);
        repaired = await this.#try(blob);
      }
    } finally {
      this.#firstTries.delete(blob.digest);
    }
  }

  async #try(blob: BlobDescriptor): Promise<boolean> {
    const { reinstate, hasSources, copy, onRepaired, onFailed, signal } = this.options;
    try {
      const right = await this.#limiter.run(signal, () => reinstate(blob.digest, signal));
      if (!right && !hasSources) return false;
      if (!right) await this.#limiter.run(signal, () => copy(blob, signal));
    } catch (error) {
      signal.throwIfAborted();
      onFailed(blob, error);
      return false;
    }
    onRepaired(blob);
    return true;
  }
}
