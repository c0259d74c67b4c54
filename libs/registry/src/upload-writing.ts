import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { RegistryError } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { isStorageError, type MultipartUpload, type ObjectStore, type StoredPart } from '#libs/storage';
import { PART_BYTES, type PartBuffers } from './part-buffers.js';
import { PartWriter } from './part-writer.js';
import type { ChunkRange, IncomingBytes } from './push.js';
import type { RunningHashes } from './running-hashes.js';
import { outOfOrder, type UploadSession, type UploadState, uploadOffset } from './stored-sessions.js';
import type { UploadSessions } from './upload-session.js';

/** A writer renews its claim as parts become durable; one that is gone blocks its session for this long at the most. */
const CLAIM_MS = 30_000;
const CLAIM_RENEWAL_MS = 10_000;

export interface UploadWritingOptions {
  readonly store: ObjectStore;
  readonly sessions: UploadSessions;
  readonly hashes: RunningHashes;
  readonly buffers: PartBuffers;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

export type IncomingChunk = IncomingBytes & { readonly range?: ChunkRange };

/** A chunk being written to its session. */
export class UploadWriting {
  readonly parts: PartWriter;
  /** The hash of everything that came, if this process has seen it all. */
  readonly hash: Hash | undefined;
  readonly #writer: string;
  readonly #start: number;
  #session: UploadSession;
  #renewAtMs = Number.NEGATIVE_INFINITY;
  /** A claim that began before the first part was full. */
  #early: Promise<unknown> = Promise.resolve();

  constructor(
    session: UploadSession,
    private readonly options: UploadWritingOptions,
  ) {
    const { store, hashes, buffers, random, signal } = options;
    this.#session = session;
    this.#writer = random.uuid();
    this.#start = uploadOffset(session.state);
    this.hash = hashes.take(session.uuid, this.#start);
    const upload = async (durable: readonly StoredPart[]) => {
      await this.#early;
      return this.#uploadFor(durable);
    };
    this.parts = new PartWriter(session.state, {
      multipart: store.multipart,
      buffers,
      hash: this.hash,
      signal,
      upload,
    });
  }

  /** As this writer last left it in the store. */
  get session(): UploadSession {
    return this.#session;
  }

  /**
   * Reads the chunk. Resolves to what broke the body off, if anything did: what came until then is good. @throws
   * RegistryError `SIZE_INVALID` for a body that ended well and is not as long as announced · StorageError
   */
  async consume({ body, range, size }: IncomingChunk): Promise<{ readonly error: unknown } | undefined> {
    const announced = range === undefined ? size : range.end - range.start + 1;
    if (announced !== undefined && this.#makesAPart(announced)) this.#claimEarly();
    const broken = await this.#read(body);
    await this.#early;
    if (broken !== undefined) return broken;
    const received = this.parts.offset - this.#start;
    if (announced === undefined || announced === received) return undefined;
    throw new RegistryError('SIZE_INVALID', { announced, received });
  }

  /** Resolves to what broke the body off. */
  async #read(body: Readable): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.parts.consume(body);
      return undefined;
    } catch (error) {
      if (isStorageError(error) || error instanceof RegistryError) throw error;
      return { error };
    }
  }

  /** Makes everything that came durable, and gives the session free for the next chunk. */
  async keep(): Promise<void> {
    const tail = await this.parts.settle();
    if (this.#session.etag === undefined && this.parts.offset === 0) return;
    const { claim: _, ...unclaimed } = this.#session.state;
    await this.#replace({ ...unclaimed, parts: this.parts.parts, tail });
    if (this.hash === undefined) return;
    this.options.hashes.keep(this.#session.uuid, { hash: this.hash, offset: this.parts.offset });
  }

  /** After a failure: waits for parts on their way, so that they cannot meet those of a next try, and ends the claim. */
  async letGo(): Promise<void> {
    await this.#early.catch(() => undefined);
    await this.parts.quiesce();
    const { claim, ...unclaimed } = this.#session.state;
    if (claim === undefined) return;
    try {
      await this.#replace(unclaimed);
    } catch {
      // The failure that led here is what the client must hear; the claim ends by itself.
      await this.#dropLateParts().catch(() => undefined);
    }
  }

  /** Whether so many bytes more are certainly not all kept as a tail. */
  #makesAPart(more: number): boolean {
    const { tail, parts } = this.#session.state;
    const least = parts.length > 0 ? this.options.store.multipart.minPartBytes : PART_BYTES;
    return more > 0 && tail.length + more >= least;
  }

  /** While the first part fills: a claim is a write that the store must have before a part may come to it. */
  #claimEarly(): void {
    this.#early = this.#uploadFor(this.#session.state.parts);
    // Whoever waits for it hears of it; the body is read on until then.
    this.#early.catch(() => undefined);
  }

  /** The upload that the next part belongs to. Nobody else may write parts from its first part on. */
  async #uploadFor(durable: readonly StoredPart[]): Promise<MultipartUpload> {
    const { store, clock, signal } = this.options;
    const { multipart, data } = this.#session.state;
    const nowMs = clock.monotonic();
    if (multipart !== undefined && nowMs < this.#renewAtMs) return multipart;
    this.#renewAtMs = nowMs + CLAIM_RENEWAL_MS;
    const upload = multipart ?? (await store.multipart.begin(data, signal));
    try {
      await this.#claim(upload, durable);
    } catch (error) {
      const lost = multipart === undefined && error instanceof RegistryError;
      if (lost) await store.multipart.abort(upload, signal);
      throw error;
    }
    return upload;
  }

  /** What is durable by now survives this process. */
  async #claim(multipart: MultipartUpload, durable: readonly StoredPart[]): Promise<void> {
    const { state } = this.#session;
    const parts = contiguous(durable);
    const started = parts.length > state.parts.length;
    await this.#replace({
      ...state,
      multipart,
      parts,
      // The tail went into the first part that was written after it.
      tail: started ? new Uint8Array() : state.tail,
      claim: { writer: this.#writer, untilMs: this.options.clock.now() + CLAIM_MS },
    });
  }

  /**
   * A session that was ended while parts of it were on their way: they may have come to the store after its upload was
   * dropped, and S3 then keeps them until it is dropped again.
   */
  async #dropLateParts(): Promise<void> {
    const { store, sessions, signal } = this.options;
    const { multipart } = this.#session.state;
    if (multipart === undefined || (await sessions.isStored(this.#session, signal))) return;
    await store.multipart.abort(multipart, signal);
  }

  async #replace(state: UploadState): Promise<void> {
    const { sessions, signal } = this.options;
    this.#session = await sessions.replace(this.#session, state, signal);
  }
}

/** @throws RegistryError when the chunk cannot be taken as it was announced */
export function checkChunk({ state }: UploadSession, { range, size }: IncomingChunk, nowMs: number): void {
  const offset = uploadOffset(state);
  if (range !== undefined && size !== undefined && size !== range.end - range.start + 1) {
    throw new RegistryError('SIZE_INVALID', { range: `${range.start}-${range.end}`, length: size });
  }
  if (range !== undefined && range.start !== offset) throw outOfOrder(offset);
  const { claim } = state;
  if (claim !== undefined && claim.untilMs > nowMs) throw outOfOrder(offset);
}

/** The parts from the beginning up to the first that is still on its way. */
function contiguous(parts: readonly StoredPart[]): readonly StoredPart[] {
  return parts.filter((part, index) => part.number === index + 1);
}
