import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type BlobDescriptor, type Digest, digestAlgorithm, RegistryError } from '#libs/oci';
import { MOST_FEW_BLOB_BYTES } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import { anySignal, type Clock, type Pace, type Random } from '#libs/resilience';
import { isStorageError, type ObjectStore } from '#libs/storage';
import { BigCopies, type FollowedBlob } from './big-copies.js';
import { BlobFetch, FOLLOWED_FROM_BYTES } from './blob-fetch.js';
import { BlobSources, type BlobSourcesOptions } from './blob-sources.js';
import type { CopyScratch } from './copy-scratch.js';
import { GatheredBlobs } from './gathered-blobs.js';

/** From this size on a blob comes in parts, and a copy that was cut short goes on; below it, starting anew is cheaper. */
const PARTED_FROM_BYTES = FOLLOWED_FROM_BYTES;

/** Up to this size a blob is held in memory: the streams that would carry it cost more than its bytes (ADR 0009). */
const IN_MEMORY_BYTES = 256 * 1024;

/** Less than a block of a layer: what the limit of a region does not hold up. */
const SMALL_BYTES = 256 * 1024;

export interface CopierOptions extends BlobSourcesOptions {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly scratch: CopyScratch;
  readonly partedFromBytes?: number;
  readonly inMemoryBytes?: number;
  readonly partBytes?: number;
  readonly pieceBytes?: number;
  readonly followedFromBytes?: number;
  /** How fast all copies together may be; without it as fast as it goes. */
  readonly pace?: Pace;
  readonly onBytes: (blob: BlobDescriptor, bytesDone: number, chunkBytes: number) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Whoever looked for a blob so long ago need not look again: if it came since, it crosses twice, which costs more than a look if it is large. */
const ABSENT_FOR_MS = 500;
const SMALL_ABSENT_FOR_MS = 10_000;

/** A blob to be copied, and when it was looked for in vain, if it was, by the monotonic clock. */
export interface WantedBlob extends BlobDescriptor {
  readonly absentMs?: number;
}

/** What was sent as a blob; it is checked as a whole. */
interface ReceivedBytes {
  readonly bytes: Uint8Array;
  /** It was another one. */
  readonly blame: () => void;
}

/** Copies blobs into this region: each is here, hashed here, when its copy resolves. */
export class Copier {
  readonly #sources: BlobSources;
  readonly #gathered: GatheredBlobs;
  readonly #big: BigCopies;
  /** How many wait for a blob. */
  readonly #hurried = new Map<Digest, number>();

  constructor(private readonly options: CopierOptions) {
    this.#sources = new BlobSources(options);
    this.#gathered = new GatheredBlobs(this.#sources, options.clock);
    this.#big = new BigCopies(options);
  }

  /** Resolves when the blob is stored here, hashed here. @throws PeerError when no source could give it. */
  async copy({ digest, size, absentMs }: WantedBlob, signal: AbortSignal): Promise<void> {
    const { blobs, clock, partedFromBytes = PARTED_FROM_BYTES, inMemoryBytes = IN_MEMORY_BYTES } = this.options;
    const blob = { digest, size };
    const absentForMs = size <= MOST_FEW_BLOB_BYTES ? SMALL_ABSENT_FOR_MS : ABSENT_FOR_MS;
    const isAbsent = absentMs !== undefined && clock.monotonic() - absentMs <= absentForMs;
    if (!isAbsent && (await blobs.stat(digest, signal)) !== undefined) return;
    if (blob.size < Math.min(partedFromBytes, inMemoryBytes + 1)) return this.#copyAtOnce(blob, signal);
    if (blob.size < partedFromBytes) return this.#copyWhole(blob, signal);
    await this.#big.copy(blob, () => this.#fetch(blob, () => this.#hurried.has(blob.digest)), signal);
  }

  /** Somebody waits for that blob: from its next bytes on it is as fast as it goes. @returns how to end that, once */
  hurry(digest: Digest): () => void {
    this.#hurried.set(digest, (this.#hurried.get(digest) ?? 0) + 1);
    return () => {
      const left = (this.#hurried.get(digest) ?? 0) - 1;
      if (left > 0) this.#hurried.set(digest, left);
      else this.#hurried.delete(digest);
    };
  }

  /** A blob that is being copied here, to be read as it comes; see {@link BigCopies.follow}. */
  follow(digest: Digest, waitMs: number, signal: AbortSignal): Promise<FollowedBlob | undefined> {
    return this.#big.follow(digest, waitMs, signal);
  }

  async #copyAtOnce(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    const { blobs, clock } = this.options;
    const { bytes, blame } = (await this.#gather(blob, signal)) ?? (await this.#read(blob, signal));
    const writtenMs = clock.monotonic();
    const algorithm = digestAlgorithm(blob.digest);
    const computed = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (computed !== blob.digest) {
      blame();
      throw new RegistryError('DIGEST_INVALID', { digest: blob.digest, computed });
    }
    await blobs.adopt({ ...blob, kept: await blobs.keep(bytes, signal), writtenMs }, signal);
  }

  /** Its bytes, by a request that others share. */
  async #gather(blob: BlobDescriptor, signal: AbortSignal): Promise<ReceivedBytes | undefined> {
    const found = await this.#gathered.find(blob, signal);
    if (found === undefined) return undefined;
    this.#pass(blob, blob.size, signal);
    this.options.onBytes(blob, blob.size, blob.size);
    return { bytes: found.bytes, blame: () => this.#sources.lied(found.source) };
  }

  async #read(blob: BlobDescriptor, signal: AbortSignal): Promise<ReceivedBytes> {
    const fetch = this.#fetch(blob);
    const chunks: Uint8Array[] = [];
    for await (const chunk of fetch.bytes({ start: 0, end: blob.size }, signal)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), blame: () => fetch.blame() };
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

  #fetch(blob: BlobDescriptor, isUrgent?: () => boolean): BlobFetch {
    const { clock, random, onBytes, followedFromBytes = FOLLOWED_FROM_BYTES } = this.options;
    let done = 0;
    return new BlobFetch(blob, {
      sources: this.#sources,
      followedFromBytes,
      clock,
      random,
      pass: (bytes, signal) => this.#pass(blob, bytes, signal),
      ...(isUrgent === undefined ? {} : { isUrgent }),
      onBytes: (bytes) => {
        done += bytes;
        onBytes(blob, done, bytes);
      },
    });
  }

  /** What is small, and what somebody waits for, is counted and not held up: the others make up for it. */
  #pass({ digest, size }: BlobDescriptor, bytes: number, signal: AbortSignal): Promise<void> | undefined {
    const { pace } = this.options;
    if (size > SMALL_BYTES && !this.#hurried.has(digest)) return pace?.take(bytes, signal);
    pace?.note(bytes);
    return undefined;
  }
}
