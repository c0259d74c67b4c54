import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { BlobRecord } from './blob-records.js';
import type { PullableManifest } from './pull.js';
import type { RegionContent } from './region-content.js';

/**
 * What a region holds, as pulls ask for it. Every answer is one that the region's store would have given at some moment
 * between the question and the answer, from wherever it comes. `undefined`: not here.
 */
export interface RegionReader {
  manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined>;
  /** A blob that is stored here and that the repository may read. */
  blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined>;
}

/** Asks the store each time. */
export class StoreReader implements RegionReader {
  constructor(private readonly content: RegionContent) {}

  async manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    const { manifests, tags } = this.content;
    const digest =
      reference.kind === 'digest' ? reference.digest : (await tags.get(repository, reference.tag, signal))?.value;
    if (digest === undefined) return undefined;
    const found = await manifests.find(repository, digest, signal);
    if (found === undefined) return undefined;
    return { digest, mediaType: found.mediaType, content: found.content, source: 'local' };
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    const { links, blobs } = this.content;
    const [linked, record] = await Promise.all([links.has(repository, digest, signal), blobs.stat(digest, signal)]);
    return linked ? record : undefined;
  }
}
