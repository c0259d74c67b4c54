import { Readable } from 'node:stream';
import { type BlobDescriptor, RegistryError } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import type { BlobStore } from '#libs/registry';

/** A source that sent wrong bytes this often is asked last. */
const SUSPECT_AFTER = 3;

export interface CopierOptions {
  readonly blobs: BlobStore;
  /** Regions that may have blobs, nearest first. */
  readonly sources: readonly PeerClient[];
  readonly onBytes: (blob: BlobDescriptor, bytesDone: number, chunkBytes: number) => void;
}

/** A source that some bytes of a copy came from. */
interface Attempt {
  readonly used: Set<PeerClient>;
}

/**
 * Copies one blob into this region: from the nearest region that has it, and when that one breaks off, from there or
 * from the next, beginning where it stopped. The bytes are hashed in order on their way into the store, whoever sent them.
 */
export class Copier {
  readonly #lies = new Map<PeerClient, number>();

  constructor(private readonly options: CopierOptions) {}

  /** Resolves when the blob is stored here, hashed here. @throws PeerError when no source could give it. */
  async copy(blob: BlobDescriptor, signal: AbortSignal): Promise<void> {
    const { blobs } = this.options;
    if ((await blobs.stat(blob.digest, signal)) !== undefined) return;
    const attempt: Attempt = { used: new Set() };
    try {
      const body = Readable.from(this.#bytes(blob, attempt, signal), { objectMode: false });
      await blobs.ingest(blob, body, signal);
    } catch (error) {
      if (error instanceof RegistryError) this.#blame(attempt);
      throw error;
    }
  }

  async *#bytes(blob: BlobDescriptor, attempt: Attempt, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let done = 0;
    let lost: PeerError | undefined;
    for (const source of this.#ordered()) {
      if (done >= blob.size) break;
      try {
        for await (const chunk of this.#from(source, blob, done, signal)) {
          attempt.used.add(source);
          done += chunk.length;
          this.options.onBytes(blob, done, chunk.length);
          yield chunk;
        }
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        lost = error;
      }
    }
    // An empty blob has no bytes to wait for; somebody still has to have it.
    if (done < blob.size) throw lost ?? new Error(`no region has ${blob.digest}`);
  }

  async *#from(
    source: PeerClient,
    blob: BlobDescriptor,
    start: number,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const opened = await source.openBlob(blob.digest, { ...(start === 0 ? {} : { range: { start } }), signal });
    if (opened === undefined) return;
    if (opened.size !== blob.size) {
      opened.body.destroy();
      throw new PeerError('protocol', source.region, `has ${blob.digest} with ${opened.size} bytes, not ${blob.size}`);
    }
    yield* opened.body as AsyncIterable<Uint8Array>;
  }

  /** Nearest first; those that lied go last, and are asked all the same: they may be the only ones who have it. */
  #ordered(): readonly PeerClient[] {
    const suspect = (source: PeerClient): number => ((this.#lies.get(source) ?? 0) >= SUSPECT_AFTER ? 1 : 0);
    return this.options.sources.toSorted((a, b) => suspect(a) - suspect(b));
  }

  #blame({ used }: Attempt): void {
    for (const source of used) this.#lies.set(source, (this.#lies.get(source) ?? 0) + 1);
  }
}
