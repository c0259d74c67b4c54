import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { type Digest, digestAlgorithm, RegistryError } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { isStorageError, type ObjectStore, type StorageErrorCode } from '#libs/storage';
import { KNOWN_FOR_MS } from './blob-publisher.js';
import type { KeptBytes } from './blob-records.js';
import type { BlobStore, ReceivedBlob } from './blob-store.js';
import { type UploadSessions, unknownUpload } from './upload-session.js';
import type { UploadWriting } from './upload-writing.js';

const EMPTY = new Uint8Array();

/** What a store says of an upload whose parts are not those that the session names. */
const LOST: readonly StorageErrorCode[] = ['no_such_upload', 'invalid'];

export interface UploadAssemblyOptions {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly sessions: UploadSessions;
  readonly clock: Clock;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** Makes bytes of a digest out of what came to a session. */
export class UploadAssembly {
  constructor(private readonly options: UploadAssemblyOptions) {}

  /** @throws RegistryError `DIGEST_INVALID` · `BLOB_UPLOAD_UNKNOWN`: the session has ended, and its client begins anew */
  async assemble(writing: UploadWriting, digest: Digest): Promise<ReceivedBlob> {
    const { blobs, sessions, clock, signal } = this.options;
    const kept = await this.#keep(writing);
    const assembledMs = clock.monotonic();
    const computed = await this.#digest(kept, writing, digest);
    if (computed !== digest) {
      // An object of parts may be what another try is just giving its right digest to. It is left to be swept.
      if (kept.data !== writing.session.state.data) await blobs.discard(kept, signal);
      await sessions.end(writing.session, signal);
      throw new RegistryError('DIGEST_INVALID', { digest, computed });
    }
    return { digest, size: writing.parts.offset, kept, writtenMs: await this.#namedSince(assembledMs, writing) };
  }

  /**
   * Makes the object of an upload and says where it is. What was never cut into parts gets a key of its own each time: an
   * earlier try may have given its digest to the bytes at another, and those must stay as they are (I3).
   */
  async #keep(writing: UploadWriting): Promise<KeptBytes> {
    const { blobs, signal } = this.options;
    const { parts } = writing;
    if (parts.parts.length === 0 && writing.session.state.multipart === undefined) {
      return blobs.keep(await parts.settle(), signal);
    }
    const all = await parts.finish();
    const { multipart, data } = writing.session.state;
    if (multipart === undefined || all.length === 0) return blobs.keep(EMPTY, signal);
    await this.#complete(writing);
    return { data };
  }

  /** Its outcome may be unknown after an earlier try: the object itself decides. */
  async #complete({ session, parts }: UploadWriting): Promise<void> {
    const { store, signal } = this.options;
    const { multipart, data } = session.state;
    if (multipart === undefined) return;
    try {
      await store.multipart.complete(multipart, parts.parts, signal);
    } catch (error) {
      if (!isStorageError(error) || !(LOST.includes(error.code) || error.effect === 'unknown')) throw error;
      const made = await store.stat(data, signal);
      if (made?.size === parts.offset) return;
      throw error;
    }
  }

  async #digest({ data, content }: KeptBytes, { hash }: UploadWriting, wanted: Digest): Promise<string> {
    const algorithm = digestAlgorithm(wanted);
    if (hash !== undefined && algorithm === 'sha256') return `${algorithm}:${hash.digest('hex')}`;
    const again = createHash(algorithm);
    if (content !== undefined) return `${algorithm}:${again.update(content).digest('hex')}`;
    const opened = await this.options.store.open(data, { signal: this.options.signal });
    if (opened !== undefined) await pipeline(opened.body, again, { signal: this.options.signal });
    return `${algorithm}:${again.digest('hex')}`;
  }

  /** Hashing anew may take long: as long as the session is there, nobody takes its bytes for forgotten ones. */
  async #namedSince(assembledMs: number, { session }: UploadWriting): Promise<number> {
    const { sessions, clock, signal } = this.options;
    const nowMs = clock.monotonic();
    if (nowMs - assembledMs <= KNOWN_FOR_MS) return assembledMs;
    if (!(await sessions.isStored(session, signal))) throw unknownUpload(session.uuid);
    return nowMs;
  }
}

/**
 * Whether the store has not, and never will have, the parts that the session names: they were dropped with an upload that
 * was cancelled or collected meanwhile, or one was replaced by an earlier try to write it that came late.
 */
export function lostItsParts(error: unknown): boolean {
  return isStorageError(error) && LOST.includes(error.code);
}
