import { Readable } from 'node:stream';
import { type BlobDescriptor, type Digest, RegistryError } from '#libs/oci';
import type { BlobStore } from '#libs/registry';
import { anySignal, type Clock, type Random } from '#libs/resilience';
import { isStorageError, type ObjectStore } from '#libs/storage';
import { BigCopies, type FollowedBlob } from './big-copies.js';
import { BlobFetch, FOLLOWED_FROM_BYTES } from './blob-fetch.js';
import { BlobSources, type BlobSourcesOptions } from './blob-sources.js';
import type { CopyScratch } from './copy-scratch.js';
import type { Lanes } from './lanes.js';

/** From this size on a blob comes in parts, and a copy that was cut short goes on; below it, starting anew is cheaper. */
const PARTED_FROM_BYTES = FOLLOWED_FROM_BYTES;

export interface CopierOptions extends BlobSourcesOptions {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly scratch: CopyScratch;
  readonly partedFromBytes?: number;
  readonly partBytes?: number;
  readonly followedFromBytes?: number;
  readonly onBytes: (blob: BlobDescriptor, bytesDone: number, chunkBytes: number) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Copies blobs into this region: each is here, hashed here, when its copy resolves. */
export class Copier {
  readonly #sources: BlobSources;
  readonly #big: BigCopies;

  constructor(private readonly options: CopierOptions) {
    this.#sources = new BlobSources(options);
    this.#big = new BigCopies(options);
  }

  /** Resolves when the blob is stored here, hashed here. @throws PeerError when no source could give it. */
  async copy(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    const { blobs, partedFromBytes = PARTED_FROM_BYTES } = this.options;
    if ((await blobs.stat(blob.digest, signal)) !== undefined) return;
    if (blob.size < partedFromBytes) return this.#copyWhole(blob, signal);
    await this.#big.copy(blob, (lanes) => this.#fetch(blob, lanes), signal);
  }

  /** A blob that is being copied here, to be read as it comes; see {@link BigCopies.follow}. */
  follow(digest: Digest, waitMs: number, signal: AbortSignal): Promise<FollowedBlob | undefined> {
    return this.#big.follow(digest, waitMs, signal);
  }

  /** The bytes are hashed in order on their way into the store, whoever sent them. */
  async #copyWhole(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const copying = anySignal([signal, ended.signal]);
    const fetch = this.#fetch(blob);
    try {
      const bytes = fetch.bytes({ start: 0, end: blob.size }, copying.signal);
      await this.options.blobs.ingest(blob, Readable.from(bytes, { objectMode: false }), signal);
    } catch (error) {
      if (error instanceof RegistryError) fetch.blame();
      // A store says that its source failed; what is wrong is what the source said.
      throw isStorageError(error, 'invalid') && error.cause instanceof Error ? error.cause : error;
    } finally {
      // A store that failed leaves a source in the middle of sending.
      ended.abort(new Error('the copy has ended'));
      copying.release();
    }
  }

  #fetch(blob: BlobDescriptor, lanes?: Lanes): BlobFetch {
    const { clock, random, onBytes, followedFromBytes = FOLLOWED_FROM_BYTES } = this.options;
    let done = 0;
    return new BlobFetch(blob, {
      sources: this.#sources,
      followedFromBytes,
      clock,
      random,
      onGrowing: () => lanes?.hold(),
      onBytes: (bytes) => {
        done += bytes;
        lanes?.carried(bytes);
        onBytes(blob, done, bytes);
      },
    });
  }
}
