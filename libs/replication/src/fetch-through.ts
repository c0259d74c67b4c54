import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type BlobDescriptor, type Digest, digestAlgorithm, RegistryError } from '#libs/oci';
import { type OpenedBlob, type PeerClient, PeerError } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import { anySignal, type Clock, exponentialBackoff, type Random } from '#libs/resilience';
import type { ByteRange } from '#libs/storage';
import { FOLLOWED_FROM_BYTES } from './blob-fetch.js';
import { GrowingFile } from './growing-file.js';

/** Times that a fetch goes on where the source broke off before its waiters are told. */
const ATTEMPTS = 4;

/** Bytes that all fetches under way may come to, unless configured: a bound for the disk, far above what pulls need. */
const MAX_SPOOL_BYTES = 64 * 1024 ** 3;

export interface FetchThroughOptions {
  readonly blobs: BlobStore;
  readonly source: Pick<PeerClient, 'region' | 'openBlob'>;
  /** The region's worker that copies blobs: bytes that it fetches anyway are not fetched a second time. */
  readonly copies?: RegionCopies;
  /** Where bytes wait while they are fetched; emptied of our files as fetches end. */
  readonly directory: string;
  /** Bytes that the files may hold together. A single blob is always let in. */
  readonly maxSpoolBytes?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onStored: (blob: BlobDescriptor) => void;
  readonly onError: (blob: BlobDescriptor, error: unknown) => void;
  /** Aborts when the process stops. A fetch goes on without the client that asked: the region wants the blob anyway. */
  readonly signal: AbortSignal;
}

/** Where the processes of a region get bytes that are on their way into it. */
export interface RegionCopies {
  /** Bytes of a blob as its copy gets them, which begins if it has not; `undefined` if there is none to be had. */
  openCopy(
    digest: Digest,
    options: { readonly size: number; readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedBlob | undefined>;
}

interface Fetch {
  /** Whether all of it came from the region's own copy so far, which stores it as well. */
  copied: boolean;
  copyTried: boolean;
  readonly file: GrowingFile;
  readers: number;
  ended: boolean;
  /** Aborts when nobody may go on with it. */
  readonly signal: AbortSignal;
  readonly dispose: () => Promise<void>;
}

/**
 * Blobs that somebody asked for before they were copied: each is fetched once, streamed to everybody who waits as fast
 * as it comes, and stored. It is spooled in a file, so that a slow client holds back neither the others nor the store.
 */
export class FetchThrough {
  readonly #fetches = new Map<Digest, Promise<Fetch>>();
  #spooledBytes = 0;
  #interruption = new AbortController();

  constructor(private readonly options: FetchThroughOptions) {}

  /**
   * The blob's bytes as they arrive. Fails, instead of ending well, unless all of it hashes to the digest.
   * @throws RegistryError `UNAVAILABLE` while too much is being fetched already
   */
  async read(blob: BlobDescriptor, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable> {
    if (blob.size === 0) return Readable.from([]);
    const fetch = await (this.#fetches.get(blob.digest) ?? this.#begin(blob));
    fetch.readers += 1;
    const stream = fetch.file.read(range?.start ?? 0, range?.end ?? blob.size - 1, signal);
    stream.once('close', () => {
      fetch.readers -= 1;
      this.#disposeIfUnused(fetch);
    });
    return stream;
  }

  /** Ends every fetch that runs: this region may not have some of them any more, and clients that may ask again. */
  interrupt(reason: Error): void {
    this.#interruption.abort(reason);
    this.#interruption = new AbortController();
  }

  #begin(blob: BlobDescriptor): Promise<Fetch> {
    const { maxSpoolBytes = MAX_SPOOL_BYTES } = this.options;
    if (this.#spooledBytes > 0 && this.#spooledBytes + blob.size > maxSpoolBytes) throw busy();
    const fetch = this.#open(blob);
    this.#fetches.set(blob.digest, fetch);
    fetch.then(
      (opened) => this.#run(blob, opened),
      () => this.#fetches.delete(blob.digest),
    );
    return fetch;
  }

  async #open(blob: BlobDescriptor): Promise<Fetch> {
    const { directory, random, clock } = this.options;
    await mkdir(directory, { recursive: true });
    const path = join(directory, random.uuid());
    const handle = await open(path, 'wx+');
    this.#spooledBytes += blob.size;
    const { signal, release } = anySignal([this.options.signal, this.#interruption.signal]);
    const dispose = async (): Promise<void> => {
      release();
      this.#spooledBytes -= blob.size;
      await handle.close();
      await rm(path, { force: true });
    };
    const file = new GrowingFile(handle, blob.size, clock);
    return { copied: false, copyTried: false, file, readers: 0, ended: false, signal, dispose };
  }

  async #run(blob: BlobDescriptor, fetch: Fetch): Promise<void> {
    const { onStored, onError } = this.options;
    try {
      await this.#fetch(blob, fetch);
      fetch.file.verify();
      if (!fetch.copied) {
        await this.#store(blob, fetch);
        onStored(blob);
      }
    } catch (error) {
      fetch.file.fail(error);
      onError(blob, error);
    } finally {
      this.#fetches.delete(blob.digest);
      fetch.ended = true;
      this.#disposeIfUnused(fetch);
    }
  }

  async #fetch(blob: BlobDescriptor, fetch: Fetch): Promise<void> {
    const { file } = fetch;
    const hash = createHash(digestAlgorithm(blob.digest));
    for (let attempt = 0; file.written < blob.size; attempt += 1) {
      const before = file.written;
      try {
        await this.#fetchRest(blob, fetch, hash);
      } catch (error) {
        if (!(error instanceof PeerError && error.retryable) || attempt >= ATTEMPTS) throw error;
        if (file.written > before) attempt = 0;
        const { clock, random } = this.options;
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 2_000 }, random), fetch.signal);
      }
    }
    const computed = `${digestAlgorithm(blob.digest)}:${hash.digest('hex')}`;
    if (computed !== blob.digest) {
      throw new PeerError('protocol', this.options.source.region, `sent ${computed} as ${blob.digest}`);
    }
  }

  async #fetchRest(blob: BlobDescriptor, fetch: Fetch, hash: { update(chunk: Uint8Array): unknown }): Promise<void> {
    const { source } = this.options;
    const { file, signal } = fetch;
    const range = file.written === 0 ? {} : { range: { start: file.written } };
    const opened =
      (await this.#openCopy(blob, fetch, range)) ?? (await source.openBlob(blob.digest, { ...range, signal }));
    if (opened === undefined) throw new PeerError('unavailable', source.region, `no longer has ${blob.digest}`);
    for await (const chunk of opened.body as AsyncIterable<Uint8Array>) {
      signal.throwIfAborted();
      if (file.written + chunk.length > blob.size) {
        throw new PeerError('protocol', source.region, `sent more of ${blob.digest} than its size`);
      }
      hash.update(chunk);
      await file.append(chunk);
    }
  }

  /** Once: where the region's own copy breaks off, the source goes on. */
  async #openCopy(
    blob: BlobDescriptor,
    fetch: Fetch,
    range: { readonly range?: ByteRange },
  ): Promise<OpenedBlob | undefined> {
    const { copies } = this.options;
    const { signal } = fetch;
    const mayTry = !fetch.copyTried && blob.size >= FOLLOWED_FROM_BYTES;
    fetch.copyTried = true;
    fetch.copied = false;
    if (copies === undefined || !mayTry) return undefined;
    try {
      const copying = await copies.openCopy(blob.digest, { size: blob.size, ...range, signal });
      const opened = copying ?? (await this.#openStored(blob, range, signal));
      fetch.copied = opened !== undefined;
      return opened;
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return undefined;
    }
  }

  /** The copy may have ended just now. */
  async #openStored(
    blob: BlobDescriptor,
    { range }: { readonly range?: ByteRange },
    signal: AbortSignal,
  ): Promise<OpenedBlob | undefined> {
    const { blobs } = this.options;
    const record = await blobs.stat(blob.digest, signal);
    return record === undefined ? undefined : { size: record.size, body: await blobs.open(record, range, signal) };
  }

  async #store(blob: BlobDescriptor, fetch: Fetch): Promise<void> {
    const { blobs } = this.options;
    const { signal } = fetch;
    await blobs.ingest(blob, fetch.file.read(0, blob.size - 1, signal), signal);
  }

  #disposeIfUnused(fetch: Fetch): void {
    if (fetch.ended && fetch.readers === 0) fetch.dispose().catch(() => undefined);
  }
}

function busy(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, {
    message: 'too much is being fetched from other regions at the moment',
    headers: { 'Retry-After': '5' },
  });
}
