import { Readable } from 'node:stream';
import {
  type BlobDescriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  RegistryError,
  type RepositoryName,
} from '#libs/oci';
import type { Random } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import { BlobPublisher, type BlobPublisherOptions } from './blob-publisher.js';
import { INLINE_BYTES } from './blob-store.js';
import { takeFewBytes } from './few-bytes.js';
import { PartBuffers } from './part-buffers.js';
import type { BlobUploads, IncomingBytes, UploadStatus } from './push.js';
import { RunningHashes } from './running-hashes.js';
import { type UploadSession, uploadOffset } from './stored-sessions.js';
import { lostItsParts, UploadAssembly } from './upload-assembly.js';
import { UploadSessions, unknownUpload } from './upload-session.js';
import { checkChunk, type IncomingChunk, UploadWriting, type UploadWritingOptions } from './upload-writing.js';

export interface LocalBlobUploadsOptions extends BlobPublisherOptions {
  readonly store: ObjectStore;
  readonly random: Random;
  /** Seals the ids of uploads; the same in every process of the region. */
  readonly idKey: Uint8Array;
}

type LastChunk = IncomingChunk & { readonly digest: Digest };

/** Blob uploads into this region's store. */
export class LocalBlobUploads implements BlobUploads {
  readonly #sessions: UploadSessions;
  readonly #publisher: BlobPublisher;
  readonly #assembly: UploadAssembly;
  readonly #writing: UploadWritingOptions;

  constructor(private readonly options: LocalBlobUploadsOptions) {
    const { store, content, clock, random, signal } = options;
    const sessions = new UploadSessions(options);
    this.#sessions = sessions;
    this.#publisher = new BlobPublisher(options);
    this.#assembly = new UploadAssembly({ store, blobs: content.blobs, sessions, clock, signal });
    const buffers = new PartBuffers(clock);
    this.#writing = { store, sessions, hashes: new RunningHashes(), buffers, clock, random, signal };
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
    chunk: IncomingChunk,
    signal: AbortSignal,
  ): Promise<UploadStatus> {
    const session = await this.#openForWriting(repository, id, chunk, signal);
    return this.#write(session, async (writing) => {
      const broken = await writing.consume(chunk);
      await writing.keep();
      if (broken !== undefined) throw broken.error;
      return { id, offset: writing.parts.offset };
    });
  }

  async finish(repository: RepositoryName, id: string, last: LastChunk, signal: AbortSignal): Promise<BlobDescriptor> {
    const { size, range } = last;
    if (range === undefined && size !== undefined && size > 0 && size <= INLINE_BYTES)
      return this.#finishFew(repository, id, { ...last, size }, signal);
    return this.#finishSession(repository, id, last, signal);
  }

  async #finishSession(
    repository: RepositoryName,
    id: string,
    last: LastChunk,
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const session = await this.#openForWriting(repository, id, last, signal);
    const { state } = session;
    if (uploadOffset(state) === 0 && state.multipart === undefined)
      return this.#finishWhole(repository, session, last, signal);
    return this.#write(session, async (writing) => {
      const broken = await writing.consume(last);
      // Nothing was said of these bytes yet, so they may come again; the session stands where it stood.
      if (broken !== undefined) throw broken.error;
      const received = await this.#assembly.assemble(writing, last.digest);
      const { signal } = this.options;
      const published = await this.#publisher.adopt(repository, received, received.writtenMs, signal);
      await this.#sessions.forget(writing.session, signal);
      return published;
    });
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
    return this.#publisher.adopt(repository, received, sinceMs, signal);
  }

  mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined> {
    return this.#publisher.mount(repository, digest, from, signal);
  }

  /**
   * Most small blobs come whole with the end. Bytes that hash right are the blob whatever came to the session before, so
   * it is asked for only if they do not: that would be a third of all that the store is asked for such a blob.
   */
  async #finishFew(
    repository: RepositoryName,
    id: string,
    last: LastChunk & { readonly size: number },
    signal: AbortSignal,
  ): Promise<BlobDescriptor> {
    const { uuid } = this.#sessions.ticketOf(repository, id);
    const { digest, size } = last;
    const bytes = await takeFewBytes(last, last.body, signal);
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest)
      return this.#finishSession(repository, id, { ...last, body: Readable.from([bytes]) }, signal);
    const writtenMs = this.options.clock.monotonic();
    const kept = await this.options.content.blobs.keep(bytes, signal);
    const published = await this.#publisher.adopt(repository, { digest, size, kept, writtenMs }, writtenMs, signal);
    this.#sessions.finished(uuid);
    return published;
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
    chunk: IncomingChunk,
    signal: AbortSignal,
  ): Promise<UploadSession> {
    const session = await this.#sessions.get(repository, id, signal);
    checkChunk(session, chunk, this.options.clock.now());
    return session;
  }

  /** Whatever becomes of `work`, no part is on its way afterwards. A session that lost its parts ends: nothing can save it. */
  async #write<T>(session: UploadSession, work: (writing: UploadWriting) => Promise<T>): Promise<T> {
    const writing = new UploadWriting(session, this.#writing);
    try {
      return await work(writing);
    } catch (error) {
      await writing.letGo();
      if (!lostItsParts(error)) throw error;
      await this.#sessions.end(writing.session, this.options.signal);
      throw unknownUpload(session.uuid, error);
    } finally {
      writing.parts.dispose();
    }
  }
}
