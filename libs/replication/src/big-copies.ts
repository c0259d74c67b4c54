import { type BlobDescriptor, type Digest, RegistryError } from '#libs/oci';
import { type BlobStore, type CopyRecord, CopyStates } from '#libs/registry';
import { anySignal, type Clock, Notifier, type Random, untilAborted } from '#libs/resilience';
import { isStorageError, type ObjectStore } from '#libs/storage';
import type { BlobFetch, ByteSpan } from './blob-fetch.js';
import { CLAIM_MS, CopyOwnership, CopyTaken } from './copy-ownership.js';
import { BytesGone, CopyPieces, partsOf, piecesOf } from './copy-pieces.js';
import type { CopyScratch } from './copy-scratch.js';
import { PIECE_BYTES } from './line-need.js';
import { PartedCopy } from './parted-copy.js';

/** Above S3's least part of 5 MiB; what a restart fetches again where its scratch was lost, for each part under way. */
export const COPY_PART_BYTES = 8 * 1024 * 1024;

/** S3 takes 10,000 parts. */
const MAX_PARTS = 9_000;

/** How often a worker looks whether a copy that another one owns has come to its end. */
const LOOK_MS = 250;

export interface BigCopiesOptions {
  readonly store: ObjectStore;
  readonly blobs: BlobStore;
  readonly scratch: CopyScratch;
  readonly partBytes?: number;
  readonly pieceBytes?: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** A blob that is being copied here. */
export interface FollowedBlob {
  readonly size: number;
  /** Bytes as they come; not checked. Fails when the copy does, or when they were let go already. */
  read(span: ByteSpan, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

interface UnderWay {
  readonly blob: BlobDescriptor;
  readonly done: Promise<void>;
  pieces: CopyPieces | undefined;
}

/**
 * Big blobs on their way into this region. Where each one stands is in the store, so a worker that takes over goes on
 * with the parts that are there; who works on it is a claim there, so that two workers fetch it once. If both believe to
 * own it for a moment, they write the same bytes to the same places, and the one that loses the claim yields.
 */
export class BigCopies {
  readonly #states: CopyStates;
  readonly #underWay = new Map<Digest, UnderWay>();
  readonly #began = new Notifier();
  readonly #worker: string;

  constructor(private readonly options: BigCopiesOptions) {
    this.#states = new CopyStates(options.store);
    this.#worker = options.random.uuid();
  }

  /** Resolves when the blob is stored and was hashed here. @throws PeerError · RegistryError · StorageError */
  copy(blob: BlobDescriptor, fetch: () => BlobFetch, signal: AbortSignal): Promise<void> {
    const running = this.#underWay.get(blob.digest);
    if (running !== undefined) return untilAborted(running.done, signal);
    const underWay: UnderWay = { blob, done: Promise.resolve(), pieces: undefined };
    const done = this.#copy(blob, fetch, underWay, signal).finally(() => this.#underWay.delete(blob.digest));
    this.#underWay.set(blob.digest, Object.assign(underWay, { done }));
    return done;
  }

  /** A blob that this process copies, or begins to within `waitMs`, to be read as it comes; `undefined` if it does not. */
  async follow(digest: Digest, waitMs: number, signal: AbortSignal): Promise<FollowedBlob | undefined> {
    const { clock } = this.options;
    const untilMs = clock.monotonic() + waitMs;
    for (;;) {
      const { version } = this.#began;
      const { pieces, blob } = this.#underWay.get(digest) ?? {};
      if (pieces !== undefined && blob !== undefined) {
        return { size: blob.size, read: (span, reading) => pieces.read(span, reading) };
      }
      const limitMs = untilMs - clock.monotonic();
      if (limitMs <= 0 || !(await this.#began.waitFor(version, { limitMs, clock, signal }))) return undefined;
    }
  }

  async #copy(blob: BlobDescriptor, fetch: () => BlobFetch, underWay: UnderWay, signal: AbortSignal): Promise<void> {
    for (;;) {
      const record = await this.#claim(blob, signal);
      if (record === undefined) return;
      try {
        return await this.#work(blob, record, fetch, underWay, signal);
      } catch (error) {
        if (!(error instanceof CopyTaken)) throw error;
      }
    }
  }

  /** Waits until the copy is this worker's. `undefined`: the blob is here. */
  async #claim(blob: BlobDescriptor, signal: AbortSignal): Promise<CopyRecord | undefined> {
    const { clock, blobs } = this.options;
    let seen: { readonly etag: string; readonly atMs: number } | undefined;
    for (;;) {
      const found = await this.#states.find(blob.digest, signal);
      // Looked for after the state: whoever finishes writes the record first, and then removes the state.
      if ((await blobs.stat(blob.digest, signal)) !== undefined) return undefined;
      if (found === undefined) {
        const begun = await this.#begin(blob, signal);
        if (begun !== undefined) return begun;
        continue;
      }
      if (seen?.etag !== found.etag) seen = { etag: found.etag, atMs: clock.monotonic() };
      // A claim that is not renewed is over, whatever the other's clock said when it was made.
      const silentMs = clock.monotonic() - seen.atMs;
      if (found.state.claim.untilMs <= clock.now() || silentMs >= CLAIM_MS) {
        const taken = await this.#states.write(blob.digest, found, { ...found.state, claim: this.#newClaim() }, signal);
        if (taken !== undefined) return taken;
        continue;
      }
      await clock.sleep(LOOK_MS, signal);
    }
  }

  async #begin(blob: BlobDescriptor, signal: AbortSignal): Promise<CopyRecord | undefined> {
    const { store, blobs, partBytes = COPY_PART_BYTES, pieceBytes = PIECE_BYTES } = this.options;
    const data = blobs.newDataKey();
    const multipart = await store.multipart.begin(data, signal);
    const state = {
      data,
      multipart,
      partBytes: Math.max(partBytes, Math.ceil(blob.size / MAX_PARTS / pieceBytes) * pieceBytes),
      parts: [],
      claim: this.#newClaim(),
    };
    const begun = await this.#states.write(blob.digest, undefined, state, signal);
    if (begun === undefined) await store.multipart.abort(multipart, signal);
    return begun;
  }

  #newClaim() {
    return { worker: this.#worker, untilMs: this.options.clock.now() + CLAIM_MS };
  }

  async #work(
    blob: BlobDescriptor,
    record: CopyRecord,
    makeFetch: () => BlobFetch,
    underWay: UnderWay,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, clock, scratch, pieceBytes = PIECE_BYTES } = this.options;
    const { data, partBytes } = record.state;
    const parts = partsOf(blob.size, partBytes);
    const cut = piecesOf(blob.size, partBytes, pieceBytes);
    const pieces = new CopyPieces({ ...{ scratch, cut, clock }, name: data.replaceAll('/', '-') });
    const ownership = new CopyOwnership({ states: this.#states, blob, worker: this.#worker, clock }, record);
    const fetch = makeFetch();
    const copy = new PartedCopy({ store, blob, parts, pieces, ownership, fetch, clock });
    underWay.pieces = pieces;
    this.#began.notify();
    let [keep, isOver] = [true, false];
    try {
      // An earlier worker may have ended between the last part and the blob's record.
      const finished = (await store.stat(data, signal))?.size === blob.size;
      await this.#whileOwned(ownership, copy, signal, (owned) =>
        finished ? copy.verifyStored(owned) : copy.run(owned),
      );
      keep = false;
      await this.#adopt(blob, ownership, signal);
      isOver = true;
    } catch (error) {
      const wrong = error instanceof RegistryError && error.code === 'DIGEST_INVALID';
      if (wrong) fetch.blame();
      // `invalid`: a write of a part came late, and the store holds another one than the state names, for good.
      if (wrong || isStorageError(error, 'no_such_upload') || isStorageError(error, 'invalid')) {
        keep = false;
        await this.#giveUp(blob, ownership, signal);
        isOver = true;
      }
      throw error;
    } finally {
      underWay.pieces = undefined;
      await pieces.end(new BytesGone('the copy has ended'), { keep });
      if (!isOver && !signal.aborted) await ownership.release(signal);
    }
  }

  /** Only who owns the copy gives the bytes their digest: another worker may have found them wrong. */
  async #adopt(blob: BlobDescriptor, ownership: CopyOwnership, signal: AbortSignal): Promise<void> {
    const { blobs, clock } = this.options;
    // Until it was confirmed, the copy's state named the bytes: nobody sweeps them.
    const namedMs = clock.monotonic();
    await ownership.confirm(signal);
    const kept = { data: ownership.state.data };
    await blobs.adopt({ ...blob, kept, writtenMs: namedMs }, signal);
    await this.#states.remove(blob.digest, signal);
  }

  /**
   * What was fetched is not the blob, or its upload is of no use any more: the next try begins anew. A finished object is left to be
   * swept: another worker may be giving it its digest right now.
   */
  async #giveUp(blob: BlobDescriptor, ownership: CopyOwnership, signal: AbortSignal): Promise<void> {
    await ownership.confirm(signal);
    await this.#states.remove(blob.digest, signal);
    await this.options.store.multipart.abort(ownership.state.multipart, signal);
  }

  /** Runs `work` while the claim is renewed; losing it ends the work. */
  async #whileOwned(
    ownership: CopyOwnership,
    copy: PartedCopy,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const ended = new AbortController();
    const owned = anySignal([signal, ended.signal]);
    const keeping = ownership
      .keep((parts) => copy.remember(parts), owned.signal)
      .catch((error: unknown) => ended.abort(error));
    try {
      await work(owned.signal);
    } finally {
      ended.abort(new Error('the work has ended'));
      owned.release();
      await keeping;
    }
  }
}
