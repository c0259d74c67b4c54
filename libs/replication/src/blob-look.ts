import type { Digest } from '#libs/oci';
import type { BlobStore, PlacedPolicy } from '#libs/registry';
import type { Clock } from '#libs/resilience';

/** What a look has found is not looked for again within this time, when what was missing has come. */
const BELIEVED_MS = 10_000;

interface Found {
  /** The policy that says which blobs were wanted. */
  readonly under: PlacedPolicy;
  /** Since when the blobs are known to be here, by the monotonic clock. */
  readonly sinceMs: number;
  readonly here: ReadonlySet<Digest>;
  /** Nothing was missing. */
  readonly isComplete: boolean;
}

/** A look into the store for the blobs of an image: what it found there may be believed for a while. */
export class BlobLook {
  constructor(private readonly found: Found) {}

  get isComplete(): boolean {
    return this.found.isComplete;
  }

  get sinceMs(): number {
    return this.found.sinceMs;
  }

  /** Whether an image may be shown by it: no other policy came, and nobody can have taken away what it found. */
  isCurrent(placed: PlacedPolicy, blobs: BlobStore): boolean {
    return this.found.under === placed && blobs.isSureSince(this.found.sinceMs);
  }

  /** Whether the next look may leave out what this one found. */
  isBelieved(placed: PlacedPolicy, blobs: BlobStore, clock: Pick<Clock, 'monotonic'>): boolean {
    return this.isCurrent(placed, blobs) && clock.monotonic() - this.found.sinceMs <= BELIEVED_MS;
  }

  /** Whether the blob was found, or came here since. */
  knows(digest: Digest, { lately }: BlobStore): boolean {
    return this.found.here.has(digest) || lately.hasSince(digest, this.found.sinceMs);
  }
}
