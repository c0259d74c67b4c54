import { LRUCache } from 'lru-cache';
import type { Bucket, Entry } from '#libs/journal';
import { isRepositoryChange } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';

/** Some 3,000 repositories that fill all of their buckets. */
const REMEMBERED_BYTES = 64 * 1024 * 1024;
const OVERHEAD_BYTES = 500;
const BUCKET_BYTES = 80;

interface Known {
  readonly buckets: ReadonlyMap<Bucket, Digest>;
  /** The newest entry in them: for a position before it they are others. */
  readonly newest: number;
  readonly madeMs: number;
}

/**
 * What was made of repositories, for as long as no entry touches them, and no longer than an age: somebody may have changed
 * the store by no entry. For a primary, which many ask.
 */
export class KnownBuckets {
  readonly #known = new LRUCache<RepositoryName, Known>({
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: ({ buckets }) => OVERHEAD_BYTES + buckets.size * BUCKET_BYTES,
  });
  /** Whether a repository was touched while somebody makes something of it. */
  readonly #making = new Map<RepositoryName, { touched: boolean; makers: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly maxAgeMs: number,
  ) {}

  /** The entry is applied now. */
  touch(entry: Entry): void {
    if (!isRepositoryChange(entry)) return;
    this.#known.delete(entry.repository);
    const making = this.#making.get(entry.repository);
    if (making !== undefined) making.touched = true;
  }

  async get(
    repository: RepositoryName,
    position: number,
    make: () => Promise<Pick<Known, 'buckets' | 'newest'>>,
  ): Promise<ReadonlyMap<Bucket, Digest>> {
    const known = this.#known.get(repository);
    const madeMs = this.clock.monotonic();
    if (known !== undefined && known.newest <= position && madeMs - known.madeMs < this.maxAgeMs) return known.buckets;
    const making = this.#making.get(repository) ?? { touched: false, makers: 0 };
    this.#making.set(repository, making);
    making.makers += 1;
    try {
      const { buckets, newest } = await make();
      if (!making.touched && newest <= position) this.#known.set(repository, { buckets, newest, madeMs });
      return buckets;
    } finally {
      making.makers -= 1;
      if (making.makers === 0) this.#making.delete(repository);
    }
  }
}
