import { createHash, type Hash } from 'node:crypto';
import { type Bucket, bucketOf, isLive, itemLine, type SummaryItem } from '#libs/journal';
import type { Digest } from '#libs/oci';

/** The digests of a repository's buckets, made as its items come by in their order: nothing of them is kept. */
export class BucketDigests {
  readonly #hashes = new Map<Bucket, Hash>();
  #newest = 0;

  constructor(private readonly position: number) {}

  /** The newest entry that any of the items stems from, deleted ones among them. */
  get newest(): number {
    return this.#newest;
  }

  /** What is deleted is as good as what never was; what later entries set is left out. */
  add(item: SummaryItem): void {
    this.#newest = Math.max(this.#newest, item.seq);
    if (item.seq > this.position || !isLive(item)) return;
    const bucket = bucketOf(item);
    const hash = this.#hashes.get(bucket) ?? createHash('sha256');
    this.#hashes.set(bucket, hash.update(`${itemLine(item)}\n`));
  }

  finish(): ReadonlyMap<Bucket, Digest> {
    const digests = [...this.#hashes].map(([bucket, hash]) => [bucket, digestFrom(hash)] as const);
    return new Map(digests.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

export function digestOfBuckets(buckets: ReadonlyMap<Bucket, Digest>): Digest {
  const hash = createHash('sha256');
  for (const [bucket, digest] of buckets) hash.update(`${bucket} ${digest}\n`);
  return digestFrom(hash);
}

export function digestFrom(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}` as Digest;
}
