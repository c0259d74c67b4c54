import type { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import { type Clock, SharedRounds } from '#libs/resilience';
import type {
  ListPage,
  ListRequest,
  MultipartStore,
  ObjectStat,
  ObjectStore,
  OpenedObject,
  PresignRequest,
  StoredObject,
} from '#libs/storage';

/** What a process keeps of its region's small objects. */
const MAX_BYTES = 64 * 1024 ** 2;

/** What a key and the bookkeeping of one object come to. */
const OVERHEAD_BYTES = 600;

/** How long a look at an object may take before those who wait are told. */
const LOOK_LIMIT_MS = 10_000;

/**
 * A store whose small objects are read by many at once: those who ask for one key at the same time share a look that
 * began after they asked, and bytes come from memory when the store says that they are still the same. So every answer
 * is the store's own, as linearizable as that is; for a region in which processes write that this one hears nothing of.
 */
export class SharedReads implements ObjectStore {
  readonly driver: string;
  readonly multipart: MultipartStore;
  readonly presign?: (request: PresignRequest) => string;
  readonly #known: LRUCache<string, StoredObject>;
  readonly #looks: SharedRounds<string, StoredObject | undefined>;

  constructor(
    private readonly store: ObjectStore,
    clock: Clock,
  ) {
    this.driver = store.driver;
    this.multipart = store.multipart;
    if (store.presign) this.presign = store.presign.bind(store);
    this.#looks = new SharedRounds({ clock, limitMs: LOOK_LIMIT_MS });
    this.#known = new LRUCache({
      maxSize: MAX_BYTES,
      sizeCalculation: ({ bytes }, key) => OVERHEAD_BYTES + key.length + bytes.byteLength,
    });
  }

  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    return this.#looks.run(key, (look) => this.#look(key, look, maxBytes), signal);
  }

  async #look(key: string, signal: AbortSignal, maxBytes: number | undefined): Promise<StoredObject | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined && (await this.store.stat(key, signal))?.etag === known.etag) return known;
    const found = await this.store.read(key, signal, maxBytes);
    this.#known.set(key, found);
    return found;
  }

  open(key: string, options: Parameters<ObjectStore['open']>[1]): Promise<OpenedObject | undefined> {
    return this.store.open(key, options);
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.store.stat(key, signal);
  }

  put(...request: Parameters<ObjectStore['put']>): Promise<ObjectStat> {
    return this.store.put(...request);
  }

  write(key: string, body: Readable, options: Parameters<ObjectStore['write']>[2]): Promise<ObjectStat> {
    return this.store.write(key, body, options);
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.store.list(request, signal);
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.store.delete(key, signal);
  }
}
