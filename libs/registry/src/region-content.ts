import type { RepositoryName } from '#libs/oci';
import { BlobStore, type BlobStoreOptions } from './blob-store.js';
import { Catalog } from './catalog.js';
import { DoubtfulWrites } from './doubtful-writes.js';
import { Links } from './links.js';
import { Manifests } from './manifests.js';
import { Policies } from './policies.js';
import { Referrers } from './referrers.js';
import { Tags } from './tags.js';

/** What a region holds: its blobs, and the views that applied entries made. All of it lives in the region's bucket. */
export interface RegionContent {
  readonly blobs: BlobStore;
  readonly links: Links;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly catalog: Catalog;
  readonly policies: Policies;
  /**
   * Resolves when no write to the repository's views of which this process never heard whether it took effect can do so any more,
   * as far as they are remembered: see {@link DoubtfulWrites}. @throws StorageError when one is in doubt still
   */
  settle(repository: RepositoryName, signal: AbortSignal): Promise<void>;
}

export function openRegionContent(options: BlobStoreOptions): RegionContent {
  const { store } = options;
  const views = new DoubtfulWrites(store);
  return {
    blobs: new BlobStore(options),
    links: new Links(views),
    manifests: new Manifests(views),
    tags: new Tags(views),
    referrers: new Referrers(views),
    catalog: new Catalog(views),
    policies: new Policies(store),
    settle: (repository, signal) => views.settle(repository, signal),
  };
}
