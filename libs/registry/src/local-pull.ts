import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { BlobRecord } from './blob-records.js';
import type { Pull, PullableBlob, PullableManifest } from './pull.js';
import type { RegionContent } from './region-content.js';

/** Redirects are followed at once; a client that queues its downloads may take a while. */
const LOCATION_LIFE_MS = 5 * 60_000;

/** Reading what is stored in this region. */
export class LocalPull implements Pull {
  constructor(private readonly content: RegionContent) {}

  async manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    const digest = await this.#resolve(repository, reference, signal);
    if (digest === undefined) return undefined;
    const found = await this.content.manifests.find(repository, digest, signal);
    if (found === undefined) return undefined;
    return { digest, mediaType: found.mediaType, content: found.content, source: 'local' };
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<PullableBlob | undefined> {
    const [linked, record] = await Promise.all([
      this.content.links.has(repository, digest, signal),
      this.content.blobs.stat(digest, signal),
    ]);
    return linked && record !== undefined ? this.pullable(record) : undefined;
  }

  /** A stored blob as it is served, once it is certain that the repository may read it. */
  pullable(record: BlobRecord): PullableBlob {
    const { blobs } = this.content;
    const location = blobs.location(record, LOCATION_LIFE_MS);
    return {
      digest: record.digest,
      size: record.size,
      source: 'local',
      open: (range, signal) => blobs.open(record, range, signal),
      ...(location === undefined ? {} : { location }),
    };
  }

  async #resolve(repository: RepositoryName, reference: Reference, signal: AbortSignal): Promise<Digest | undefined> {
    if (reference.kind === 'digest') return reference.digest;
    return (await this.content.tags.get(repository, reference.tag, signal))?.value;
  }
}
