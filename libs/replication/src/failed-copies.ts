import { type BlobDescriptor, parseDigest } from '#libs/oci';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';
import type { Setback } from './setbacks.js';

/** Remembered at the most; of more, those that failed first. */
const MAX_REMEMBERED = 1_000;

/** Of each, so many repositories are named. */
export const MAX_REPOSITORIES = 10;

/** A copy that was set aside: its image is not here, and what came after it is. */
export interface FailedCopy extends Setback {
  /** Where images need it. */
  readonly repositories: readonly string[];
}

/** `state/failed` in a region's bucket: what was set aside, for the next process and for those who ask. */
export class FailedCopies {
  constructor(private readonly store: ObjectStore) {}

  /** Those that failed first come first. */
  async read(signal: AbortSignal): Promise<readonly FailedCopy[]> {
    return (await this.#find(signal)).copies;
  }

  /** `mine` are those of this process now; of those it had before and has no more, `cleared`, nothing is left. */
  async save(mine: readonly FailedCopy[], cleared: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const { copies, etag } = await this.#find(signal);
      const own = new Set<string>(mine.map(({ blob }) => blob.digest));
      const others = copies.filter(({ blob }) => !own.has(blob.digest) && !cleared.has(blob.digest));
      const all = [...others, ...mine].sort((a, b) => a.sinceMs - b.sinceMs).slice(0, MAX_REMEMBERED);
      const condition = etag === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag } as const);
      try {
        await this.store.put(keys.failedCopies, Buffer.from(JSON.stringify(all)), { condition, signal });
        return;
      } catch (error) {
        if (!isStorageError(error, 'precondition_failed')) throw error;
      }
    }
  }

  async #find(signal: AbortSignal): Promise<{ readonly copies: readonly FailedCopy[]; readonly etag?: string }> {
    const found = await this.store.read(keys.failedCopies, signal);
    if (found === undefined) return { copies: [] };
    const stored = JSON.parse(Buffer.from(found.bytes).toString()) as readonly (FailedCopy & {
      blob: BlobDescriptor;
    })[];
    const copies = stored.map((copy) => ({ ...copy, blob: { ...copy.blob, digest: parseDigest(copy.blob.digest) } }));
    return { copies, etag: found.etag };
  }
}
