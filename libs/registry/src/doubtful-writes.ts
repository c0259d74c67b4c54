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

/** Beyond these the oldest is forgotten, and is not settled. */
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
 * A store that remembers of which conditional writes nobody heard whether they took effect: they may do so at any time, as long
 * as their condition holds. Who tries again settles that by the way, and so does who finds another version. Who does not, because
 * rules came that keep the object away, finds nothing to take away, and leaves the very version that the write waits for. So
 * what is in doubt is written once more first: whichever of the two comes first, the other has lost its condition.
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
      // A copy, for few bytes may be a part of a larger buffer that nobody else needs any more.
      else if (mayHaveHappened(error)) this.#doubts.set(key, { bytes: new Uint8Array(bytes), condition });
      throw error;
    }
  }

  async read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    // Of one that came into doubt meanwhile an older answer says nothing.
    const doubt = this.#doubts.peek(key);
    const found = await this.store.read(key, signal, maxBytes);
    if (doubt !== undefined && !holds(doubt.condition, found) && this.#doubts.peek(key) === doubt) {
      this.#doubts.delete(key);
    }
    return found;
  }

  /**
   * Resolves when no write of the repository's views that is remembered is in doubt: each has taken effect, or never will.
   * @throws StorageError when one is in doubt still
   */
  async settle(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    if (this.#doubts.size === 0) return;
    const prefixes = [keys.tagPrefix, keys.manifestsOf, keys.linksOf, keys.referrersOf].map((of) => of(repository));
    const isOfRepository = (key: string): boolean =>
      key === keys.catalog(repository) || prefixes.some((prefix) => key.startsWith(prefix));
    const concerned = [...this.#doubts].filter(([key]) => isOfRepository(key));
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

function holds(condition: PutCondition, found: Pick<ObjectStat, 'etag'> | undefined): boolean {
  return condition.kind === 'absent' ? found === undefined : found?.etag === condition.etag;
}
