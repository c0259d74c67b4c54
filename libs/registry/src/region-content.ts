import { BlobStore, type BlobStoreOptions } from './blob-store.js';
import { Catalog } from './catalog.js';
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
}

export function openRegionContent(options: BlobStoreOptions): RegionContent {
  const { store } = options;
  return {
    blobs: new BlobStore(options),
    links: new Links(store),
    manifests: new Manifests(store),
    tags: new Tags(store),
    referrers: new Referrers(store),
    catalog: new Catalog(store),
    policies: new Policies(store),
  };
}
