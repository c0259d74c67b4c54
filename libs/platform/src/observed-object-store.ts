import type { Readable } from 'node:stream';
import type { Clock } from '#libs/resilience';
import {
  isStorageError,
  type ListPage,
  type ListRequest,
  type MultipartStore,
  type MultipartUpload,
  type ObjectStat,
  type ObjectStore,
  type OpenedObject,
  type PartPosition,
  type PresignRequest,
  type PutCondition,
  type StoredObject,
  type StoredPart,
} from '#libs/storage';
import type { Metrics } from './metrics.js';

/** Some drivers keep connections open, which end with the process or before. */
export type ClosableObjectStore = ObjectStore & { close?(): Promise<void> };

type Observe = <T>(operation: string, work: () => Promise<T>) => Promise<T>;

/** A store as it is, with each operation's duration and result in the metrics. Of `open`, until the stream is there. */
export class ObservedObjectStore implements ObjectStore {
  readonly driver: string;
  readonly multipart: MultipartStore;
  readonly presign?: (request: PresignRequest) => string;
  readonly #store: ClosableObjectStore;
  readonly #observe: Observe;

  constructor(store: ClosableObjectStore, clock: Clock, metrics: Pick<Metrics, 'storageOperationDuration'>) {
    this.driver = store.driver;
    this.#store = store;
    this.#observe = observer(store.driver, clock, metrics);
    this.multipart = new ObservedMultipartStore(store.multipart, this.#observe);
    if (store.presign) this.presign = store.presign.bind(store);
  }

  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    return this.#observe('read', () => this.#store.read(key, signal, maxBytes));
  }

  open(key: string, options: Parameters<ObjectStore['open']>[1]): Promise<OpenedObject | undefined> {
    return this.#observe('open', () => this.#store.open(key, options));
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#observe('stat', () => this.#store.stat(key, signal));
  }

  put(
    key: string,
    bytes: Uint8Array,
    options: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#observe('put', () => this.#store.put(key, bytes, options));
  }

  write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#observe('write', () => this.#store.write(key, body, options));
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.#observe('list', () => this.#store.list(request, signal));
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#observe('delete', () => this.#store.delete(key, signal));
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }
}

class ObservedMultipartStore implements MultipartStore {
  readonly minPartBytes: number;
  readonly #store: MultipartStore;
  readonly #observe: Observe;

  constructor(store: MultipartStore, observe: Observe) {
    this.minPartBytes = store.minPartBytes;
    this.#store = store;
    this.#observe = observe;
  }

  begin(key: string, signal: AbortSignal): Promise<MultipartUpload> {
    return this.#observe('begin', () => this.#store.begin(key, signal));
  }

  writePart(
    upload: MultipartUpload,
    part: PartPosition,
    body: Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    return this.#observe('write_part', () => this.#store.writePart(upload, part, body, signal));
  }

  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat> {
    return this.#observe('complete', () => this.#store.complete(upload, parts, signal));
  }

  abort(upload: MultipartUpload, signal: AbortSignal): Promise<void> {
    return this.#observe('abort', () => this.#store.abort(upload, signal));
  }

  listUploads(prefix: string, signal: AbortSignal): ReturnType<MultipartStore['listUploads']> {
    return this.#observe('list_uploads', () => this.#store.listUploads(prefix, signal));
  }
}

function observer(driver: string, clock: Clock, metrics: Pick<Metrics, 'storageOperationDuration'>): Observe {
  return async (operation, work) => {
    const beganMs = clock.monotonic();
    let result = 'ok';
    try {
      return await work();
    } catch (error) {
      result = isStorageError(error) ? error.code : 'aborted';
      throw error;
    } finally {
      const seconds = (clock.monotonic() - beganMs) / 1_000;
      metrics.storageOperationDuration.observe({ driver, operation, result }, seconds);
    }
  };
}
