import { createHash, type Hash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { type BlobDescriptor, type Digest, digestAlgorithm, RegistryError, type RepositoryName } from '#libs/oci';
import { type Clock, Limiter, type Random } from '#libs/resilience';
import { isStorageError, type MultipartUpload, type ObjectStore, type StoredPart } from '#libs/storage';
import { givenUp, type KeptBytes } from './blob-records.js';
import type { ReceivedBlob } from './blob-store.js';
import { PartBuffers } from './part-buffers.js';
import { PartWriter } from './part-writer.js';
import type { BlobUploads, ChunkRange, IncomingBytes, UploadStatus } from './push.js';
import type { RegionContent } from './region-content.js';
import { RunningHashes } from './running-hashes.js';
import { outOfOrder, type UploadSession, type UploadState, uploadOffset } from './stored-sessions.js';
import { UploadSessions, unknownUpload } from './upload-session.js';

/** A writer renews its claim as parts become durable; one that is gone blocks its session for this long at the most. */
const CLAIM_MS = 30_000;
const CLAIM_RENEWAL_MS = 10_000;

/** After this long what was known of a blob is asked again: a process may be halted for longer than a collection waits. */
const KNOWN_FOR_MS = 60_000;

const EMPTY = new Uint8Array();

/** Parts in flight in the whole process: 8 MiB each. */
const PROCESS_PARTS_IN_FLIGHT = 12;

export interface LocalBlobUploadsOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals the ids of uploads; the same in every process of the region. */
  readonly idKey: Uint8Array;
  /** The journal's head, which a new link is later than. */
  readonly headSeq: () => number;
  /** A blob may be read from now on: others may want to start copying it. */
  readonly onCommitted: (blob: BlobDescriptor) => void;
  /** Aborts when the process stops. What a client sent is kept even when that client is gone, so its signal won't do. */
  readonly signal: AbortSignal;
}

/** Blob uploads into this region's store. */
export class LocalBlobUploads implements BlobUploads {
  readonly #sessions: UploadSessions;
  readonly #hashes = new RunningHashes();
  readonly #limiter = new Limiter(PROCESS_PARTS_IN_FLIGHT);
  readonly #buffers: PartBuffers;

  constructor(private readonly options: LocalBlobUploadsOptions) {
    this.#sessions = new UploadSessions(options);
    this.#buffers = new PartBuffers(options.clock);
  }

  async begin(repository: RepositoryName): Promise<UploadStatus> {
    return { id: this.#sessions.begin(repository), offset: 0 };
  }

  async status(repository: RepositoryName, id: string, signal: AbortSignal): Promise<UploadStatus> {
    const session = await this.#sessions.get(repository, id, signal);
    return { id, offset: uploadOffset(session.state) };
  }

  async append(
    repository: RepositoryName,
    id: string,
    chunk: IncomingBytes & { readonly range?: ChunkRange },
    signal: AbortSignal,
  ): Promise<UploadStatus> {
    const session = await this.#openForWriting(repository, id, chunk, signal);
    const writing = this.#write(session);
    try {
      const broken = await consume(writing.parts, chunk, uploadOffset(session.state));
      const tail = await writing.parts.settle();
      await this.#keep(writing, tail);
      if (broken !== undefined) throw broken.error;
      return { id, offset: writing.parts.offset };
    } catch (error) {
      await this.#letGo(writing);
      throw error;
    } finally {
      writing.parts.dispose();
    }
  }

  async finish(
    repository: RepositoryName,
    id: string,
    last: IncomingBytes & { readonly range?: ChunkRange; readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const session = await this.#openForWriting(repository, id, last, signal);
    const { state } = session;
    if (uploadOffset(state) === 0 && state.multipart === undefined)
      return this.#finishWhole(repository, session, last, signal);
    const writing = this.#write(session);
    try {
      const broken = await consume(writing.parts, last, uploadOffset(state));
      // Nothing was said of these bytes yet, so they may come again; the session stands where it stood.
      if (broken !== undefined) throw broken.error;
      const kept = await this.#assemble(writing);
      return await this.#commit(writing, kept, repository, last.digest);
    } catch (error) {
      await this.#letGo(writing);
      throw error;
    } finally {
      writing.parts.dispose();
    }
  }

  async cancel(repository: RepositoryName, id: string, signal: AbortSignal): Promise<void> {
    const session = await this.#sessions.get(repository, id, signal);
    await this.#sessions.end(session, this.options.signal);
  }

  async put(
    repository: RepositoryName,
    blob: IncomingBytes & { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const sinceMs = this.options.clock.monotonic();
    const expected = { digest: blob.digest, ...(blob.size === undefined ? {} : { size: blob.size }) };
    const received = await this.options.content.blobs.receive(expected, blob.body, signal);
    return this.#adopt(repository, received, sinceMs, signal);
  }

  async mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    const { content, clock } = this.options;
    const sinceMs = clock.monotonic();
    const [readable, record] = await Promise.all([
      content.links.has(from, digest, signal),
      content.blobs.stat(digest, signal),
    ]);
    if (!readable || record === undefined) return undefined;
    await this.#link(repository, digest);
    return this.#published({ digest, size: record.size }, sinceMs);
  }

  /** Everything comes with the end, so there is nothing to put together; a wrong digest ends the session here too. */
  async #finishWhole(
    repository: RepositoryName,
    session: UploadSession,
    last: IncomingBytes & { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    try {
      const blob = await this.put(repository, last, signal);
      await this.#sessions.forget(session, this.options.signal);
      return blob;
    } catch (error) {
      const wrong = error instanceof RegistryError && error.code === 'DIGEST_INVALID';
      if (wrong) await this.#sessions.end(session, this.options.signal);
      throw error;
    }
  }

  /** @throws RegistryError when the chunk cannot be taken as it was announced; nothing was read of it. */
  async #openForWriting(
    repository: RepositoryName,
    id: string,
    chunk: IncomingBytes & { readonly range?: ChunkRange },
    signal: AbortSignal,
  ): Promise<UploadSession> {
    const session = await this.#sessions.get(repository, id, signal);
    const offset = uploadOffset(session.state);
    const { range, size } = chunk;
    if (range !== undefined && size !== undefined && size !== range.end - range.start + 1) {
      throw new RegistryError('SIZE_INVALID', { range: `${range.start}-${range.end}`, length: size });
    }
    if (range !== undefined && range.start !== offset) throw outOfOrder(offset);
    const { claim } = session.state;
    if (claim !== undefined && claim.untilMs > this.options.clock.now()) throw outOfOrder(offset);
    return session;
  }

  #write(session: UploadSession): Writing {
    const { store, clock, random, signal } = this.options;
    const { state, uuid } = session;
    const writer = random.uuid();
    let renewAtMs = Number.NEGATIVE_INFINITY;
    const hash = this.#hashes.take(uuid, uploadOffset(state));
    const writing: Writing = {
      session,
      hash,
      parts: new PartWriter(state, {
        multipart: store.multipart,
        limiter: this.#limiter,
        buffers: this.#buffers,
        hash,
        signal,
        upload: async (durable) => {
          const multipart = writing.session.state.multipart ?? (await store.multipart.begin(state.data, signal));
          if (clock.monotonic() >= renewAtMs) {
            renewAtMs = clock.monotonic() + CLAIM_RENEWAL_MS;
            writing.session = await this.#claim(writing.session, writer, multipart, durable);
          }
          return multipart;
        },
      }),
    };
    return writing;
  }

  /** From the first part on nobody else may write parts; and what is durable by now survives this process. */
  #claim(
    session: UploadSession,
    writer: string,
    multipart: MultipartUpload,
    durable: readonly StoredPart[],
  ): Promise<UploadSession> {
    const parts = contiguous(durable);
    const started = parts.length > session.state.parts.length;
    const state: UploadState = {
      ...session.state,
      multipart,
      parts,
      // The tail went into the first part that was written after it.
      tail: started ? new Uint8Array() : session.state.tail,
      claim: { writer, untilMs: this.options.clock.now() + CLAIM_MS },
    };
    return this.#sessions.replace(session, state, this.options.signal);
  }

  /** Makes everything that came durable, and gives the session free for the next chunk. */
  async #keep(writing: Writing, tail: Uint8Array): Promise<void> {
    if (writing.session.etag === undefined && writing.parts.offset === 0) return;
    const { claim: _, ...unclaimed } = writing.session.state;
    const state = { ...unclaimed, parts: writing.parts.parts, tail };
    writing.session = await this.#sessions.replace(writing.session, state, this.options.signal);
    if (writing.hash === undefined) return;
    this.#hashes.keep(writing.session.uuid, { hash: writing.hash, offset: writing.parts.offset });
  }

  /** After a failure: waits for parts on their way, so that they cannot meet those of a next try, and ends the claim. */
  async #letGo(writing: Writing): Promise<void> {
    await writing.parts.quiesce();
    const { claim, ...unclaimed } = writing.session.state;
    if (claim === undefined) return;
    try {
      writing.session = await this.#sessions.replace(writing.session, unclaimed, this.options.signal);
    } catch {
      // The failure that led here is what the client must hear; the claim ends by itself.
    }
  }

  /**
   * Makes the object of an upload and says where it is. Its outcome may be unknown after an earlier try: the object itself
   * decides. What was never cut into parts gets a key of its own each time: an earlier try may have given its digest to
   * the bytes at another, and those must stay as they are (I3).
   */
  async #assemble(writing: Writing): Promise<KeptBytes> {
    const { store, content, signal } = this.options;
    const { parts } = writing;
    const total = parts.offset;
    if (parts.parts.length === 0 && writing.session.state.multipart === undefined) {
      return content.blobs.keep(await parts.settle(), signal);
    }
    const all = await parts.finish();
    const { multipart, data } = writing.session.state;
    if (multipart === undefined || all.length === 0) return content.blobs.keep(EMPTY, signal);
    try {
      await store.multipart.complete(multipart, all, signal);
    } catch (error) {
      if (!isStorageError(error) || (error.code !== 'no_such_upload' && error.effect !== 'unknown')) throw error;
      const made = await store.stat(data, signal);
      if (made?.size !== total) throw error;
    }
    return { data };
  }

  async #commit(
    writing: Writing,
    kept: KeptBytes,
    repository: RepositoryName,
    digest: Digest,
  ): Promise<BlobDescriptor> {
    const { content, clock, signal } = this.options;
    const { state } = writing.session;
    const assembledMs = clock.monotonic();
    const computed = await this.#digest(kept, writing.hash, digest);
    if (computed !== digest) {
      // An object of parts may be what another try is just giving its right digest to. It is left to be swept.
      if (kept.data !== state.data) await content.blobs.discard(kept, signal);
      await this.#sessions.end(writing.session, signal);
      throw new RegistryError('DIGEST_INVALID', { digest, computed });
    }
    const writtenMs = await this.#namedSince(assembledMs, writing.session, signal);
    const received = { digest, size: writing.parts.offset, kept, writtenMs };
    const published = await this.#adopt(repository, received, writtenMs, signal);
    await this.#sessions.forget(writing.session, signal);
    return published;
  }

  async #digest({ data, content }: KeptBytes, hash: Hash | undefined, wanted: Digest): Promise<string> {
    const algorithm = digestAlgorithm(wanted);
    if (hash !== undefined && algorithm === 'sha256') return `${algorithm}:${hash.digest('hex')}`;
    const again = createHash(algorithm);
    if (content !== undefined) return `${algorithm}:${again.update(content).digest('hex')}`;
    const opened = await this.options.store.open(data, { signal: this.options.signal });
    if (opened !== undefined) await pipeline(opened.body, again, { signal: this.options.signal });
    return `${algorithm}:${again.digest('hex')}`;
  }

  /** Hashing anew may take long: as long as the session is there, nobody takes its bytes for forgotten ones. */
  async #namedSince(assembledMs: number, session: UploadSession, signal: AbortSignal): Promise<number> {
    const nowMs = this.options.clock.monotonic();
    if (nowMs - assembledMs <= KNOWN_FOR_MS) return assembledMs;
    if (!(await this.#sessions.isStored(session, signal))) throw unknownUpload(session.uuid);
    return nowMs;
  }

  /**
   * The bytes get their digest and the repository its link, side by side: neither lets anybody read anything without the
   * other, and whoever sent the bytes has shown that it has them. Both have ended when this rejects.
   */
  async #adopt(
    repository: RepositoryName,
    received: ReceivedBlob,
    sinceMs: number,
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const { digest, size } = received;
    const adopting = this.options.content.blobs.adopt(received, signal);
    const outcomes = await Promise.allSettled([adopting, this.#link(repository, digest)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return this.#published({ digest, size }, sinceMs);
  }

  async #link(repository: RepositoryName, digest: Digest): Promise<void> {
    const { content, headSeq, signal } = this.options;
    await content.links.addUploaded(repository, digest, headSeq(), signal);
  }

  /** `sinceMs`: no later than when the blob was known to be here, by the monotonic clock. */
  async #published(blob: BlobDescriptor, sinceMs: number): Promise<BlobDescriptor> {
    const { content, clock, onCommitted, signal } = this.options;
    const longAgo = clock.monotonic() - sinceMs > KNOWN_FOR_MS;
    if (longAgo && (await content.blobs.stat(blob.digest, signal)) === undefined) throw givenUp(blob.digest);
    onCommitted(blob);
    return blob;
  }
}

/** A chunk being written: the session as this writer last left it in the store. */
interface Writing {
  session: UploadSession;
  readonly hash: Hash | undefined;
  readonly parts: PartWriter;
}

/**
 * Reads the chunk. Resolves to what broke the body off, if anything did: what came until then is good. @throws
 * RegistryError `SIZE_INVALID` for a body that ended well and is not as long as announced · StorageError
 */
async function consume(
  parts: PartWriter,
  chunk: IncomingBytes & { readonly range?: ChunkRange },
  start: number,
): Promise<{ readonly error: unknown } | undefined> {
  const announced = chunk.range === undefined ? chunk.size : chunk.range.end - chunk.range.start + 1;
  try {
    await parts.consume(chunk.body);
  } catch (error) {
    if (isStorageError(error) || error instanceof RegistryError) throw error;
    return { error };
  }
  const received = parts.offset - start;
  if (announced === undefined || announced === received) return undefined;
  throw new RegistryError('SIZE_INVALID', { announced, received });
}

/** The parts from the beginning up to the first that is still on its way. */
function contiguous(parts: readonly StoredPart[]): readonly StoredPart[] {
  return parts.filter((part, index) => part.number === index + 1);
}
