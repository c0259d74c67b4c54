import type { Digest, RepositoryName } from '#libs/oci';
import { keys, type ObjectStore, partsOfKey } from '#libs/storage';
import type { Manifests } from '../manifests.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import { CompactSet } from './compact-set.js';
import type { PendingReferences, Reference } from './references.js';

export interface MarkOptions {
  readonly store: ObjectStore;
  readonly manifests: Manifests;
  readonly pending: PendingReferences;
  readonly onManifests: (count: number) => void;
}

/** What is needed: every blob that a live manifest names, and in which repositories. Kept up to date by {@link catchUp}. */
export class Mark {
  readonly #blobs = new CompactSet();
  readonly #links = new CompactSet();

  private constructor(private readonly options: MarkOptions) {}

  /** Reads every manifest of the region. @throws Error if anything could not be read: then nothing is known */
  static async take(options: MarkOptions, signal: AbortSignal): Promise<Mark> {
    const mark = new Mark(options);
    await options.pending.begin(signal);
    // What is pending now may come into a view that was read already.
    await mark.catchUp(signal);
    for await (const page of allObjects(options.store, keys.manifestPrefix, signal)) {
      await forEachOf(page, async ({ key }) => {
        const { repository, digest } = partsOfKey(key);
        const manifest = await options.manifests.find(repository, digest, signal);
        if (manifest !== undefined) mark.#add({ repository, blobs: manifest.blobs });
      });
      options.onManifests(page.length);
    }
    await mark.catchUp(signal);
    return mark;
  }

  /** Takes in what refers to blobs since. */
  async catchUp(signal: AbortSignal): Promise<void> {
    for await (const reference of this.options.pending.next(signal)) this.#add(reference);
  }

  needsBlob(digest: Digest): boolean {
    return this.#blobs.has(digest);
  }

  needsLink(repository: RepositoryName, digest: Digest): boolean {
    return this.#links.has(`${repository}@${digest}`);
  }

  #add({ repository, blobs }: Reference): void {
    for (const { digest } of blobs) {
      this.#blobs.add(digest);
      this.#links.add(`${repository}@${digest}`);
    }
  }
}
