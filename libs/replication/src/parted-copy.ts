import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BlobDescriptor, digestAlgorithm, RegistryError } from '#libs/oci';
import { type Clock, Limiter, Notifier, TaskGroup, untilAborted } from '#libs/resilience';
import { isStorageError, type ObjectStore, type PartPosition, type StoredPart } from '#libs/storage';
import type { BlobFetch } from './blob-fetch.js';
import type { CopyOwnership } from './copy-ownership.js';
import type { CopyPieces } from './copy-pieces.js';
import { MAX_LANES } from './lanes.js';

/** Parts being written to the store at once, of one copy. */
const STORING = 3;

/** Parts that are stored and hashed and yet kept, for those who follow the copy. */
const KEPT_PARTS = 24;

/** Parts that may be under way or waiting for their turn to be hashed: bounds the scratch, 8 MiB each. */
const WINDOW_PARTS = 64;

export interface PartedCopyOptions {
  readonly store: ObjectStore;
  readonly blob: BlobDescriptor;
  readonly parts: readonly PartPosition[];
  readonly pieces: CopyPieces;
  readonly ownership: CopyOwnership;
  readonly fetch: BlobFetch;
  readonly clock: Clock;
}

/**
 * A blob in the making: its pieces are fetched at the same time by many connections, hashed in order, and stored as parts
 * of one object. What was stored before, by another worker, is not fetched; then the hash is taken of the object itself.
 */
export class PartedCopy {
  readonly #storing = new Limiter(STORING);
  readonly #lanes = new Limiter(MAX_LANES);
  readonly #moved = new Notifier();
  readonly #stored = new Set<number>();
  /** Parts that the store's state names, and of them those whose scratch is held. */
  readonly #known = new Set<number>();
  readonly #remembered = new Set<number>();
  /** Parts that are not fetched yet, the next one first, and how many pieces are missing of those that are begun. */
  readonly #todo: PartPosition[];
  readonly #missing = new Map<number, number>();
  /** Of what comes in order; nothing if parts of it came before this worker began. */
  readonly #hash: Hash | undefined;
  #hashed = 0;
  #settled = 0;

  constructor(private readonly options: PartedCopyOptions) {
    const { ownership, blob, parts } = options;
    for (const { number } of ownership.parts) {
      this.#stored.add(number);
      this.#known.add(number);
    }
    this.#hash = this.#stored.size === 0 ? createHash(digestAlgorithm(blob.digest)) : undefined;
    this.#todo = parts.filter((part) => !this.#stored.has(part.number));
  }

  /** Resolves when the object is complete and hashes to the digest. @throws RegistryError `DIGEST_INVALID` */
  async run(signal: AbortSignal): Promise<void> {
    await this.#fetchAll(signal);
    if (this.#hash !== undefined) this.#check(this.#hash);
    await this.options.ownership.confirm(signal);
    await this.#complete(signal);
    if (this.#hash === undefined) await this.verifyStored(signal);
  }

  /** Hashes the finished object: local bytes, not those of the link. */
  async verifyStored(signal: AbortSignal): Promise<void> {
    const { store, ownership, blob } = this.options;
    const opened = await store.open(ownership.state.data, { signal });
    const hash = createHash(digestAlgorithm(blob.digest));
    if (opened !== undefined) await pipeline(opened.body, hash, { signal });
    this.#check(hash);
  }

  #check(hash: Hash): void {
    const { digest } = this.options.blob;
    const computed = `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
    if (computed !== digest) throw new RegistryError('DIGEST_INVALID', { digest, computed });
  }

  async #fetchAll(signal: AbortSignal): Promise<void> {
    const { parts, pieces } = this.options;
    for (const part of parts) if (this.#stored.has(part.number)) await pieces.discard(part);
    const group = new TaskGroup(signal);
    group.add((limited) => this.#begin(group, limited));
    if (this.#hash !== undefined) group.add((limited) => this.#hashInOrder(limited));
    await group.join();
  }

  /** Piece by piece from the beginning, the next one when the one before has its turn on the line. */
  async #begin(group: TaskGroup, signal: AbortSignal): Promise<void> {
    for (let part = await this.#next(signal); part !== undefined; part = await this.#next(signal)) {
      const begun = part;
      const pieces = this.options.pieces.inside(part);
      this.#missing.set(part.number, pieces.length);
      for (const piece of pieces) {
        const turn = new Promise<void>((onTurn) => {
          group.add((limited) => this.#lanes.run(limited, () => this.#fetch(piece, begun, group, onTurn)));
        });
        await untilAborted(turn, signal);
      }
    }
  }

  /** The first part that nobody fetches, as soon as there is room for it. */
  async #next(signal: AbortSignal): Promise<PartPosition | undefined> {
    for (;;) {
      const { version } = this.#moved;
      const [first] = this.#todo;
      if (first === undefined) return undefined;
      if (first.number <= this.#settledParts() + WINDOW_PARTS) return this.#todo.shift();
      await this.#moved.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: this.options.clock, signal });
    }
  }

  /** How many parts at the beginning need nothing any more. */
  #settledParts(): number {
    const limit = this.#hash === undefined ? this.options.parts.length : this.#hashed;
    while (this.#settled < limit && this.#stored.has(this.#settled + 1)) this.#settled += 1;
    return this.#settled;
  }

  async #fetch(piece: PartPosition, part: PartPosition, group: TaskGroup, onTurn: () => void): Promise<void> {
    const { pieces, fetch } = this.options;
    const held = await pieces.begin(piece);
    const span = { start: piece.offset + held, end: piece.offset + piece.size };
    for await (const chunk of fetch.bytes(span, group.signal, onTurn)) await pieces.append(piece, chunk);
    // All of it may have been here.
    onTurn();
    const missing = (this.#missing.get(part.number) ?? 0) - 1;
    this.#missing.set(part.number, missing);
    if (missing > 0) return;
    this.#missing.delete(part.number);
    group.add((limited) => this.#storing.run(limited, () => this.#store(part, limited)));
  }

  async #store(part: PartPosition, signal: AbortSignal): Promise<void> {
    const { store, pieces, ownership } = this.options;
    const body = Readable.from(pieces.read(spanOf(part), signal), { objectMode: false });
    const stored = await store.multipart.writePart(ownership.state.multipart, part, body, signal);
    this.#stored.add(part.number);
    ownership.stored(stored);
    this.#moved.notify();
  }

  async #hashInOrder(signal: AbortSignal): Promise<void> {
    const { parts, pieces } = this.options;
    for (const part of parts) {
      for await (const chunk of pieces.read(spanOf(part), signal)) this.#hash?.update(chunk);
      this.#hashed = part.number;
      this.#moved.notify();
      await this.#letGo();
    }
  }

  /** Parts that the store's state names. Their scratch may go when they were hashed as well. */
  async remember(parts: readonly StoredPart[]): Promise<void> {
    for (const { number } of parts) {
      if (!this.#known.has(number)) this.#remembered.add(number);
      this.#known.add(number);
    }
    await this.#letGo();
  }

  /** The oldest first: those who follow come after. */
  async #letGo(): Promise<void> {
    const { parts, pieces } = this.options;
    for (const part of parts.filter(({ number }) => this.#remembered.has(number))) {
      if (this.#remembered.size <= KEPT_PARTS || (this.#hash !== undefined && part.number > this.#hashed)) return;
      this.#remembered.delete(part.number);
      await pieces.drop(part);
    }
  }

  /** The outcome may be unknown, or another worker's: the object itself decides. */
  async #complete(signal: AbortSignal): Promise<void> {
    const { store, ownership, blob } = this.options;
    const { multipart, data } = ownership.state;
    try {
      await store.multipart.complete(multipart, ownership.parts, signal);
    } catch (error) {
      if (!isStorageError(error) || (error.code !== 'no_such_upload' && error.effect !== 'unknown')) throw error;
      if ((await store.stat(data, signal))?.size !== blob.size) throw error;
    }
  }
}

function spanOf({ offset, size }: PartPosition) {
  return { start: offset, end: offset + size };
}
