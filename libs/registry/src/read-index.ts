import type { ApplyEntry, Entry, ObjectStoreJournalReader } from '#libs/journal';
import type { Digest } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { keys } from '#libs/storage';
import { applyEntry } from './apply-entry.js';
import type { BlobRecord } from './blob-records.js';
import type { Link } from './links.js';
import { tagsOf } from './manifest-guard.js';
import { PageCache } from './page-cache.js';
import type { PullableManifest } from './pull.js';
import type { RegionContent } from './region-content.js';
import type { ResolvedTag } from './region-reader.js';
import { SeqCache } from './seq-cache.js';

const MiB = 1024 ** 2;

/** Room for some ten thousand manifests of usual size, and for the tags and layers of as many images. */
const MANIFEST_BYTES = 48 * MiB;
const TAG_BYTES = 4 * MiB;
const LINK_BYTES = 8 * MiB;
const BLOB_BYTES = 8 * MiB;

/**
 * That a blob is here, or condemned, may change without an entry; then it is noticed within this time. It has to be a
 * small part of a collection's grace time, which is promised from the last look at the store on.
 */
export const MAX_BLOB_AGE_MS = 60_000;

type Told = Pick<SeqCache<unknown>, 'touch' | 'applied'>;

/**
 * What a process of the primary remembers of its region's registers, by their keys in the store. A collection's grace time
 * must be several times the age that links and records of blobs may come to here.
 */
export class ReadIndex {
  readonly manifests: SeqCache<PullableManifest>;
  readonly tags: SeqCache<ResolvedTag>;
  readonly links: SeqCache<Link>;
  readonly blobs: SeqCache<BlobRecord>;
  /** Of the tags of a repository, by their prefix in the store, and of the catalog. */
  readonly pages: PageCache;

  constructor(clock: Clock, journal: Pick<ObjectStoreJournalReader, 'onBatch'>, blobAgeMs = MAX_BLOB_AGE_MS) {
    const bytesOf = ({ content }: PullableManifest): number => content.byteLength;
    this.manifests = new SeqCache({ clock, maxBytes: MANIFEST_BYTES, bytesOf });
    this.tags = new SeqCache({ clock, maxBytes: TAG_BYTES, bytesOf: () => 100 });
    this.links = new SeqCache({ clock, maxBytes: LINK_BYTES, bytesOf: () => 0, maxAgeMs: blobAgeMs });
    this.blobs = new SeqCache({ clock, maxBytes: BLOB_BYTES, bytesOf: () => 300, maxAgeMs: blobAgeMs });
    this.pages = new PageCache(clock);
    journal.onBatch(({ entries }) => {
      for (const entry of entries) this.#committed(entry);
    });
  }

  /** Its bytes were found wrong, so what is remembered of it is. */
  forgetBlob(digest: Digest): void {
    this.blobs.forget(keys.blob(digest));
  }

  /** How this process makes entries visible: here it hears that one is. */
  applying(content: RegionContent): ApplyEntry {
    return async (entry, signal) => {
      await applyEntry(content, entry, signal);
      this.#applied(entry);
    };
  }

  /** The journal holds an entry that this process did not know. */
  #committed(entry: Entry): void {
    for (const [cache, key] of this.#movedBy(entry)) cache.touch(key, entry.seq);
  }

  /** The entry is applied in the region's store. */
  #applied(entry: Entry): void {
    for (const [cache, key] of this.#movedBy(entry)) cache.applied(key, entry.seq);
  }

  /** Registers and lists that are kept here and that the entry moves. A put only adds links: what is kept of them stays true. */
  #movedBy(entry: Entry): readonly (readonly [Told, string])[] {
    if (entry.type === 'policy.put') return [];
    if (entry.type === 'blobs.sweep') {
      return [
        ...entry.blobs.map((digest) => [this.blobs, keys.blob(digest)] as const),
        ...entry.links.map(({ repository, digest }) => [this.links, keys.link(repository, digest)] as const),
      ];
    }
    const { repository } = entry;
    const tags = tagsOf(entry).map((tag) => [this.tags, keys.tag(repository, tag)] as const);
    const listed = [this.pages, keys.tagPrefix(repository)] as const;
    const manifest = (digest: Digest) => [this.manifests, keys.manifest(repository, digest)] as const;
    switch (entry.type) {
      case 'manifest.put':
        return [...tags, manifest(entry.digest), listed, [this.pages, keys.catalogPrefix]];
      case 'manifest.delete':
        return [...tags, manifest(entry.digest), listed];
      case 'blob.delete':
        return [[this.links, keys.link(repository, entry.digest)]];
      case 'tag.delete':
        return [...tags, listed];
    }
  }
}
