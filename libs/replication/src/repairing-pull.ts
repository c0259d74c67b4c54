import { type BlobDescriptor, type Digest, type Reference, RegistryError, type RepositoryName } from '#libs/oci';
import { PeerError } from '#libs/peer';
import type { LocalPull, Pull, PullableBlob, PullableManifest, RegionContent } from '#libs/registry';
import type { ByteRange } from '#libs/storage';
import type { FetchThrough } from './fetch-through.js';

export interface RepairingPullOptions {
  readonly local: LocalPull;
  readonly content: RegionContent;
  readonly fetches: FetchThrough;
}

/**
 * Reading at the primary: what is here, and what should be here but was found damaged from the regions that copied it. It
 * is stored as it is read, and so repaired.
 */
export class RepairingPull implements Pull {
  constructor(private readonly options: RepairingPullOptions) {}

  manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined> {
    return this.options.local.manifest(repository, reference, signal);
  }

  async blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<PullableBlob | undefined> {
    const { local, content } = this.options;
    const here = await local.blob(repository, digest, signal);
    if (here !== undefined) return here;
    const header = (await content.blobs.records.inspect(digest, signal))?.header;
    if (header?.state !== 'quarantined' || !(await content.links.has(repository, digest, signal))) return undefined;
    const blob = { digest, size: header.size };
    return { ...blob, source: 'peer', open: (range, reading) => this.#open(blob, range, reading) };
  }

  async #open(blob: BlobDescriptor, range: ByteRange | undefined, signal: AbortSignal) {
    try {
      return await this.options.fetches.read(blob, range, signal);
    } catch (cause) {
      if (!(cause instanceof PeerError)) throw cause;
      const headers = { 'Retry-After': '5' };
      const message = 'the blob is damaged here, and no other region can be asked for it at the moment';
      throw new RegistryError('UNAVAILABLE', { digest: blob.digest }, { cause, headers, message });
    }
  }
}
