import { type Digest, digestAlgorithm, digestOf, type Reference, type RepositoryName } from '#libs/oci';
import type { BlobRecord } from './blob-records.js';
import type { PullableManifest } from './pull.js';
import type { RegionContent } from './region-content.js';
import type { Sequenced } from './seq-register.js';

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

/** Where a tag points, and which entry said so. */
export type ResolvedTag = Required<Pick<PullableManifest, 'digest' | 'tagSeq'>>;

/** A tag's state as an answer shows it. */
export function resolvedTag(state: Sequenced<Digest> | undefined): Sequenced<ResolvedTag> | undefined {
  if (state === undefined) return undefined;
  const { seq, value } = state;
  return { seq, value: value === undefined ? undefined : { digest: value, tagSeq: seq } };
}

/** Whether these bytes are those of the digest (I3). */
export function isWhole(digest: Digest, content: Uint8Array): boolean {
  return digestOf(content, digestAlgorithm(digest)) === digest;
}

/** Asks the store each time. */
export class StoreReader implements RegionReader {
  constructor(private readonly content: RegionContent) {}

  async manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    if (reference.kind === 'digest') return this.#manifest(repository, reference.digest, signal);
    for (let before: ResolvedTag | undefined; ; ) {
      const resolved = resolvedTag(await this.content.tags.get(repository, reference.tag, signal))?.value;
      if (resolved === undefined) return undefined;
      const found = await this.#manifest(repository, resolved.digest, signal);
      if (found !== undefined) return { ...found, ...resolved };
      // A manifest that was deleted had no tag any more: this one has moved, and was never absent.
      if (resolved.tagSeq === before?.tagSeq) return undefined;
      before = resolved;
    }
  }

  async #manifest(
    repository: RepositoryName,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    const found = await this.content.manifests.find(repository, digest, signal);
    // Damaged, it counts as not here: what else has it is asked, and a scrub restores it.
    if (found === undefined || !isWhole(digest, found.content)) return undefined;
    return { digest, mediaType: found.mediaType, content: found.content, source: 'local' };
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    const { links, blobs } = this.content;
    const [linked, record] = await Promise.all([links.has(repository, digest, signal), blobs.stat(digest, signal)]);
    return linked ? record : undefined;
  }
}
