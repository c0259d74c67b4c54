import type { BlobDescriptor, Digest } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';

/** Longer than a worker tries before it gives a job up. */
const OVERDUE_MS = 30_000;

/**
 * Blobs that this process asked the queue for, and that neither came nor failed here. Whoever gives a job up tells nobody
 * else of the region: a process whose jobs are always taken by others would ask for ever, and never learn that a blob is
 * nowhere any more. So what is overdue is tried here, a little at a time, for it may as well wait for its turn.
 */
export class OverdueCopies {
  readonly #askedMs = new Map<Digest, number>();

  constructor(private readonly options: { readonly clock: Clock; readonly random: Random }) {}

  asked(blobs: readonly BlobDescriptor[]): void {
    const nowMs = this.options.clock.monotonic();
    for (const { digest } of blobs) if (!this.#askedMs.has(digest)) this.#askedMs.set(digest, nowMs);
  }

  /** It came, or failed here. */
  settled(digest: Digest): void {
    this.#askedMs.delete(digest);
  }

  /** Nothing was asked for. */
  clear(): void {
    this.#askedMs.clear();
  }

  /** One of `missing`, whose turn it is to be tried here. */
  take(missing: readonly BlobDescriptor[]): BlobDescriptor | undefined {
    const { clock, random } = this.options;
    const untilMs = clock.monotonic() - OVERDUE_MS;
    const overdue = missing.filter(({ digest }) => (this.#askedMs.get(digest) ?? Number.POSITIVE_INFINITY) <= untilMs);
    return overdue[Math.floor(random.next() * overdue.length)];
  }

  /** Forgets those that nothing waits for. */
  forgetUnless(isMissing: (digest: Digest) => boolean): void {
    for (const digest of this.#askedMs.keys()) if (!isMissing(digest)) this.#askedMs.delete(digest);
  }
}
