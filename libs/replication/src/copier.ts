import { Readable } from 'node:stream';
import { type BlobDescriptor, RegistryError } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import { anySignal, type Clock, exponentialBackoff, type Random } from '#libs/resilience';
import { isStorageError } from '#libs/storage';
import { BlobSources } from './blob-sources.js';

/** Times in a row that every source was asked and none gave a byte; then the queue tries again later. */
const MAX_BARREN_ROUNDS = 4;

/** Between two rounds: a link that broke is tried again soon, with what arrived kept. */
const ROUND_PAUSE = { baseMs: 250, capMs: 2_000 };

export interface CopierOptions {
  readonly blobs: BlobStore;
  /** Regions that may have blobs, nearest first. */
  readonly sources: readonly PeerClient[];
  readonly onBytes: (blob: BlobDescriptor, bytesDone: number, chunkBytes: number) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** One blob on its way into the region. */
interface Copy {
  readonly blob: BlobDescriptor;
  /** Sources that some of its bytes came from. */
  readonly used: Set<PeerClient>;
  /** Sources that said something impossible about it. */
  readonly refused: Set<PeerClient>;
  done: number;
  /** What went wrong last. */
  lost: PeerError | undefined;
}

/**
 * Copies one blob into this region: from the nearest region that has it, and when that one breaks off, from there or
 * from the next, beginning where it stopped. The bytes are hashed in order on their way into the store, whoever sent
 * them. There is no limit to the time that a copy takes, as long as bytes arrive.
 */
export class Copier {
  readonly #sources: BlobSources;

  constructor(private readonly options: CopierOptions) {
    this.#sources = new BlobSources(options.sources, options.clock);
  }

  /** Resolves when the blob is stored here, hashed here. @throws PeerError when no source could give it. */
  async copy(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    const { blobs } = this.options;
    if ((await blobs.stat(blob.digest, signal)) !== undefined) return;
    const copy: Copy = { blob, used: new Set(), refused: new Set(), done: 0, lost: undefined };
    const ended = new AbortController();
    const copying = anySignal([signal, ended.signal]);
    try {
      const bytes = this.#bytes(copy, copying.signal);
      await blobs.ingest(blob, Readable.from(bytes, { objectMode: false }), signal);
    } catch (error) {
      if (error instanceof RegistryError) for (const source of copy.used) this.#sources.lied(source);
      // A store says that its source failed; what is wrong is what the source said.
      throw isStorageError(error, 'invalid') && error.cause instanceof Error ? error.cause : error;
    } finally {
      // A store that failed leaves a source in the middle of sending.
      ended.abort(new Error('the copy has ended'));
      copying.release();
    }
  }

  /** The blob's bytes in order, from as many sources and in as many pieces as it takes. */
  async *#bytes(copy: Copy, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { clock, random } = this.options;
    for (let barren = 0; copy.done < copy.blob.size; ) {
      const before = copy.done;
      const asked = yield* this.#round(copy, signal);
      if (copy.done >= copy.blob.size) return;
      // Who is left alone for a while was not asked, and may be the one that has it.
      const everybody = asked > 0 && asked === this.options.sources.length;
      if (everybody && copy.lost === undefined) throw new Error(`no region has ${copy.blob.digest}`);
      barren = copy.done > before ? 0 : barren + 1;
      if (barren >= MAX_BARREN_ROUNDS) throw copy.lost ?? this.#unreachable();
      await clock.sleep(exponentialBackoff(barren, ROUND_PAUSE, random), signal);
    }
  }

  #unreachable(): Error {
    const [nearest] = this.options.sources;
    if (nearest === undefined) return new Error('there is no other region');
    return new PeerError('unreachable', nearest.region, 'it cannot be reached, and nobody else has the blob');
  }

  /** Asks each source once; says how many that were. */
  async *#round(copy: Copy, signal: AbortSignal): AsyncGenerator<Uint8Array, number> {
    let asked = 0;
    for (const source of this.#sources.askable()) {
      if (copy.refused.has(source)) continue;
      asked += 1;
      const before = copy.done;
      try {
        yield* this.#from(source, copy, signal);
        if (copy.done >= copy.blob.size) break;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        copy.lost = error;
        if (!error.retryable) copy.refused.add(source);
        if (copy.done === before) this.#sources.failed(source);
      }
    }
    return asked;
  }

  async *#from(source: PeerClient, copy: Copy, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const { blob, done: start } = copy;
    const opened = await source.openBlob(blob.digest, { ...(start === 0 ? {} : { range: { start } }), signal });
    if (opened === undefined) return;
    if (opened.size !== blob.size) {
      opened.body.destroy();
      throw new PeerError('protocol', source.region, `has ${blob.digest} with ${opened.size} bytes, not ${blob.size}`);
    }
    for await (const chunk of opened.body as AsyncIterable<Uint8Array>) {
      copy.used.add(source);
      copy.done += chunk.length;
      this.#sources.answered(source);
      this.options.onBytes(blob, copy.done, chunk.length);
      yield chunk;
    }
  }
}
