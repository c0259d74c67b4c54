import { LRUCache } from 'lru-cache';
import { type Digest, digestAlgorithm, digestOf, type RepositoryName, type Tag } from '#libs/oci';
import type { ObjectStat } from '#libs/storage';
import type { ManifestRecord } from '../manifests.js';
import type { Referrer } from '../referrers.js';
import type { RegionContent } from '../region-content.js';
import type { Sequenced } from '../seq-register.js';

/** What is remembered of objects, by the version of theirs: some 300,000 manifests and tags. */
const REMEMBERED_BYTES = 64 * 1024 * 1024;

/** What a key, its version and the bookkeeping of one object come to. */
const OVERHEAD_BYTES = 300;
const DIGEST_BYTES = 100;

/** What a register says of a manifest; `seq` is 0 for one that cannot be read. */
export interface ManifestState {
  readonly seq: number;
  readonly live: boolean;
  readonly blobs: readonly Digest[];
}

interface Known {
  readonly etag: string;
  readonly state: unknown;
  readonly bytes: number;
}

/**
 * The states of a region's registers as a listing shows them: what has not changed since it was read is not read again. What
 * an answer says is what the store holds, whoever wrote that and however.
 */
export class StoredStates {
  readonly #known = new LRUCache<string, Known>({
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: ({ bytes }, key) => OVERHEAD_BYTES + key.length + bytes,
  });

  constructor(private readonly content: RegionContent) {}

  /** Unreadable or with other bytes than its digest's, it counts as not there. */
  manifest(
    object: ObjectStat,
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<ManifestState | undefined> {
    return this.#state(
      object,
      (state: ManifestState) => state.blobs.length * DIGEST_BYTES,
      async () => {
        const found = await this.content.manifests.inspect(repository, digest, signal);
        return found === undefined ? undefined : { etag: found.etag, state: manifestState(digest, found.state) };
      },
    );
  }

  /** One that says nothing sensible has seq 0 and no digest. */
  tag(object: ObjectStat, repository: RepositoryName, tag: Tag, signal: AbortSignal) {
    return this.#state(
      object,
      () => DIGEST_BYTES,
      () => this.content.tags.inspect(repository, tag, signal),
    );
  }

  referrers(object: ObjectStat, repository: RepositoryName, subject: Digest, signal: AbortSignal) {
    return this.#state(
      object,
      (list: readonly Referrer[]) => list.length * 2 * DIGEST_BYTES,
      () => this.content.referrers.inspect(repository, subject, signal),
    );
  }

  /** Whether the record says that the blob is here. */
  async holdsBlob(object: ObjectStat, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const held = await this.#state(
      object,
      () => 0,
      () => this.#inspectBlob(digest, signal),
    );
    return held === true;
  }

  async #inspectBlob(digest: Digest, signal: AbortSignal) {
    try {
      const found = await this.content.blobs.records.inspect(digest, signal);
      if (found === undefined) return undefined;
      return { etag: found.etag, state: found.header.state === 'live' || found.header.state === 'condemned' };
    } catch (error) {
      // A record that says nothing sensible holds nothing.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #state<T>(
    object: ObjectStat,
    bytesOf: (state: T) => number,
    read: () => Promise<{ readonly etag: string; readonly state: T } | undefined>,
  ): Promise<T | undefined> {
    const known = this.#known.get(object.key);
    // Made by the same reader, for the same key.
    if (known !== undefined && known.etag === object.etag) return known.state as T;
    const found = await read();
    if (found === undefined) return undefined;
    this.#known.set(object.key, { ...found, bytes: bytesOf(found.state) });
    return found.state;
  }
}

function manifestState(digest: Digest, state: Sequenced<ManifestRecord> | undefined): ManifestState {
  if (state === undefined) return { seq: 0, live: false, blobs: [] };
  const { seq, value } = state;
  if (value === undefined) return { seq, live: false, blobs: [] };
  if (digestOf(value.content, digestAlgorithm(digest)) !== digest) return { seq: 0, live: false, blobs: [] };
  return { seq, live: true, blobs: value.blobs.map((blob) => blob.digest) };
}
