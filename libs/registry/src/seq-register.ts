import { isStorageError, type ObjectStore, type PutCondition, type StoredObject } from '#libs/storage';

/** A value at the place in the journal that set it; without a value, a tombstone: deleted at that place. */
export interface Sequenced<T> {
  readonly seq: number;
  readonly value: T | undefined;
  /** There is a value at `seq`, and this region must not have it: no tombstone, for the same entry may give it back. */
  readonly evicted?: true;
}

export interface SeqCodec<T> {
  encode(state: Sequenced<T>): Uint8Array;
  /** @throws Error for bytes that `encode` did not make */
  decode(bytes: Uint8Array): Sequenced<T>;
}

/**
 * Keys that only move forward: each holds the state that the highest seq gave it, whatever the order in which entries
 * arrive and however often (I5, I6). A delete is a state like any other, so a late put cannot undo it.
 *
 * The conditional PUT decides between processes; a loser looks again, and each round somebody made progress.
 */
export class SeqRegisters<T> {
  constructor(
    private readonly store: ObjectStore,
    private readonly codec: SeqCodec<T>,
  ) {}

  async get(key: string, signal: AbortSignal): Promise<Sequenced<T> | undefined> {
    const found = await this.store.read(key, signal);
    return found === undefined ? undefined : this.codec.decode(found.bytes);
  }

  /** Moves the key to `next` unless it is there or beyond already. Resolves to the state that is there afterwards. */
  async advance(key: string, next: Sequenced<T>, signal: AbortSignal): Promise<Sequenced<T>> {
    return this.update(key, (current) => (isThere(current, next) ? undefined : next), signal);
  }

  /** Moves the key to what `decide` says of its present state; `undefined` leaves it. `decide` may run several times. */
  async update(
    key: string,
    decide: (current: Sequenced<T> | undefined) => Sequenced<T> | undefined,
    signal: AbortSignal,
  ): Promise<Sequenced<T>> {
    for (;;) {
      const found = await this.store.read(key, signal);
      const current = found === undefined ? undefined : this.codec.decode(found.bytes);
      const next = decide(current);
      if (next === undefined) {
        if (current === undefined) throw new Error(`nothing to keep at ${key}`);
        return current;
      }
      if (await this.#replace(key, found, next, signal)) return next;
    }
  }

  /** Takes the value away and keeps its place. Does nothing where there is no value. */
  async evict(key: string, signal: AbortSignal): Promise<void> {
    if ((await this.get(key, signal))?.value === undefined) return;
    await this.update(
      key,
      (current) => (current?.value === undefined ? undefined : { seq: current.seq, value: undefined, evicted: true }),
      signal,
    );
  }

  /** Writes `next` if nothing is there, without looking first; otherwise the state that is there. */
  async create(key: string, next: Sequenced<T>, signal: AbortSignal): Promise<Sequenced<T>> {
    if (await this.tryCreate(key, next, signal)) return next;
    return this.advance(key, next, signal);
  }

  /** The same, and nothing if something is there. @returns whether it wrote */
  tryCreate(key: string, next: Sequenced<T>, signal: AbortSignal): Promise<boolean> {
    return this.#replace(key, undefined, next, signal);
  }

  /** The state as far as it can be read: bytes that say nothing are as good as none. */
  async readable(key: string, signal: AbortSignal): Promise<Sequenced<T> | undefined> {
    return this.#decoded(await this.store.read(key, signal));
  }

  /** Writes `next` where nothing is, or nothing that can be read; nothing if somebody else does at that moment. */
  async restore(key: string, next: Sequenced<T>, signal: AbortSignal): Promise<void> {
    const found = await this.store.read(key, signal);
    if (this.#decoded(found) === undefined) await this.#replace(key, found, next, signal);
  }

  #decoded(found: StoredObject | undefined): Sequenced<T> | undefined {
    try {
      return found === undefined ? undefined : this.codec.decode(found.bytes);
    } catch {
      return undefined;
    }
  }

  async #replace(
    key: string,
    found: StoredObject | undefined,
    next: Sequenced<T>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const condition: PutCondition = found === undefined ? { kind: 'absent' } : { kind: 'matches', etag: found.etag };
    try {
      await this.store.put(key, this.codec.encode(next), { condition, signal });
      return true;
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return false;
      throw error;
    }
  }
}

/** Whether a key is at `next` or beyond. What was evicted comes back with the entry that it was evicted of. */
function isThere<T>(current: Sequenced<T> | undefined, next: Sequenced<T>): boolean {
  if (current === undefined || current.seq < next.seq) return false;
  return current.seq > next.seq || current.evicted === undefined;
}

/** Puts bytes in the place of one version of an object. @returns false if it is another one by now */
export async function putOver(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  etag: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await store.put(key, bytes, { condition: { kind: 'matches', etag }, signal });
    return true;
  } catch (error) {
    if (isStorageError(error, 'precondition_failed')) return false;
    throw error;
  }
}
