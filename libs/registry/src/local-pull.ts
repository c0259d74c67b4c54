import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { BlobRecord } from './blob-records.js';
import type { Pull, PullableBlob, PullableManifest } from './pull.js';
import type { RegionContent } from './region-content.js';
import type { RegionReader } from './region-reader.js';

/** Reading what is stored in this region. */
export class LocalPull implements Pull {
  constructor(
    private readonly content: Pick<RegionContent, 'blobs'>,
    private readonly reader: RegionReader,
  ) {}

  manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    return this.reader.manifest(repository, reference, signal);
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<PullableBlob | undefined> {
    const record = await this.reader.blob(repository, digest, signal);
    return record === undefined ? undefined : this.pullable(record);
  }

  /** A stored blob as it is served, once it is certain that the repository may read it. */
  pullable(record: BlobRecord): PullableBlob {
    const { blobs } = this.content;
    const location = blobs.location(record);
    return {
      digest: record.digest,
      size: record.size,
      source: 'local',
      open: (range, signal) => blobs.open(record, range, signal),
      ...(location === undefined ? {} : { location }),
    };
  }
}
