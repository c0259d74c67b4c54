import type { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { RepositoryName } from '#libs/oci';
import { allEnded } from '#libs/resilience';
import {
  isStorageError,
  keys,
  type ListPage,
  type ListRequest,
  type MultipartStore,
  type ObjectStat,
  type ObjectStore,
  type OpenedObject,
  type PutCondition,
  StorageError,
  type StoredObject,
} from '#libs/storage';

/** Beyond these the oldest is forgotten: a store that fails so often has no more than this settled. */
const MOST_WRITES = 4_000;
const MOST_BYTES = 8 * 1024 ** 2;

/** What a key, its condition and the bookkeeping of one write come to. */
const OVERHEAD_BYTES = 600;

/** Writes that are settled at once. */
const AT_ONCE = 16;

interface Doubt {
  readonly bytes: Uint8Array;
  readonly condition: PutCondition;
}

/**
 * A store that remembers of which conditional writes nobody heard whether they took effect: they may do so at any time, as long as
 * their condition holds. Who tries again settles that by the way. Who does not, because rules came that keep the object away,
 * finds nothing to take away, and leaves the very version that the write waits for. So what is in doubt is written once
 * more first: whichever of the two comes first, the other has lost its condition.
 *
 * What another process asked for, or one that died, is not known here.
 */
export class DoubtfulWrites implements ObjectStore {
  readonly driver: string;
  readonly multipart: MultipartStore;
  /** By key the last one: the condition of one before it was another version, which is gone. */
  readonly #doubts = new LRUCache<string, Doubt>({
    max: MOST_WRITES,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ bytes }, key) => OVERHEAD_BYTES + key.length + bytes.byteLength,
  });

  constructor(private readonly store: ObjectStore) {
    this.driver = store.driver;
    this.multipart = store.multipart;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    const { condition } = options;
    if (condition === undefined) return this.store.put(key, bytes, options);
    try {
      const written = await this.store.put(key, bytes, options);
      this.#settled(key, condition);
      return written;
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) this.#settled(key, condition);
      else if (mayHaveHappened(error)) this.#doubts.set(key, { bytes, condition });
      throw error;
    }
  }

  /**
   * Resolves when no write of the repository's views is in doubt: each has taken effect, or never will.
   * @throws StorageError when one is in doubt still
   */
  async settle(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    const concerned = [...this.#doubts].filter(([key]) => isOf(repository, key));
    for (let start = 0; start < concerned.length; start += AT_ONCE) {
      await allEnded(
        concerned.slice(start, start + AT_ONCE).map(async ([key, { bytes, condition }]) => {
          try {
            await this.put(key, bytes, { condition, signal });
          } catch (error) {
            if (!isStorageError(error, 'precondition_failed')) throw error;
          }
        }),
      );
    }
  }

  /** The version that the condition names is gone, so no other write of that condition takes effect any more. */
  #settled(key: string, condition: PutCondition): void {
    const doubt = this.#doubts.peek(key);
    if (doubt !== undefined && isSame(doubt.condition, condition)) this.#doubts.delete(key);
  }

  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    return this.store.read(key, signal, maxBytes);
  }

  open(key: string, options: Parameters<ObjectStore['open']>[1]): Promise<OpenedObject | undefined> {
    return this.store.open(key, options);
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.store.stat(key, signal);
  }

  write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.store.write(key, body, options);
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.store.list(request, signal);
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.store.delete(key, signal);
  }
}

/** Also what ended because its signal did. */
function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof StorageError) || error.effect === 'unknown';
}

function isSame(a: PutCondition, b: PutCondition): boolean {
  return a.kind === 'absent' ? b.kind === 'absent' : b.kind === 'matches' && a.etag === b.etag;
}

function isOf(repository: RepositoryName, key: string): boolean {
  if (key === keys.catalog(repository)) return true;
  const views = [keys.tagPrefix, keys.manifestsOf, keys.linksOf, keys.referrersOf];
  return views.some((prefix) => key.startsWith(prefix(repository)));
}
