import type { Digest } from '#libs/oci';
import type { Clock } from '#libs/resilience';

/** An image's blobs come before its manifest, by no more than this, or they are looked for again. */
const LATELY_MS = 10_000;

/** About a megabyte of digests. Older ones are looked for. */
const MOST_BLOBS = 10_000;

/**
 * Blobs that this process gave their digest a moment ago. Nobody can have taken one away since: a collection leaves what came
 * or was looked for alone for its grace time, of which this is a part. So whoever wants to know whether it is here need not
 * ask the store, which would read all of a small blob to say so.
 */
export class LatelyAdopted {
  /** When each came, by the monotonic clock, the oldest first. */
  readonly #cameMs = new Map<Digest, number>();
  /** Those of them that nobody linked yet. */
  readonly #unlinked = new Set<Digest>();

  /** `sureMs`: how long nobody takes away what somebody was told of, by how the region collects. */
  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly sureMs: number,
  ) {}

  add(digest: Digest): void {
    this.#cameMs.delete(digest);
    this.#cameMs.set(digest, this.clock.monotonic());
    this.#unlinked.add(digest);
    const [oldest] = this.#cameMs.keys();
    if (this.#cameMs.size > MOST_BLOBS && oldest !== undefined) this.forget(oldest);
  }

  has(digest: Digest): boolean {
    const cameMs = this.#cameMs.get(digest);
    return cameMs !== undefined && this.clock.monotonic() - cameMs <= Math.min(LATELY_MS, this.sureMs);
  }

  /** Whether it came since then, by the monotonic clock. */
  hasSince(digest: Digest, ms: number): boolean {
    return this.has(digest) && (this.#cameMs.get(digest) ?? ms) >= ms;
  }

  /**
   * Somebody is about to link it to a repository. @returns whether that is its first link since it came: enough for a guess, and for nothing
   * else. Images share their layers, and a link that is made in vain costs more than the look that it should have saved.
   */
  link(digest: Digest): boolean {
    return this.#unlinked.delete(digest);
  }

  /** It was found damaged, or taken away. */
  forget(digest: Digest): void {
    this.#cameMs.delete(digest);
    this.#unlinked.delete(digest);
  }

  /** The store is another one. */
  forgetAll(): void {
    this.#cameMs.clear();
    this.#unlinked.clear();
  }
}
