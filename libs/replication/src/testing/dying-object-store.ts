import type { Readable } from 'node:stream';
import {
  type ByteRange,
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

/** Whether the last write still happened. */
export type Moment = 'before' | 'after';

/**
 * A store as a process sees it that is killed at its `lastWrite`-th write: just before it happens, or just after, with
 * no answer. From then on nothing of the process reaches the store.
 */
export class DyingObjectStore implements ObjectStore {
  #writes = 0;

  constructor(
    private readonly store: ObjectStore,
    private readonly lastWrite: number,
    private readonly moment: Moment,
  ) {}

  get driver(): string {
    return this.store.driver;
  }

  get multipart(): MultipartStore {
    return this.store.multipart;
  }

  get dead(): boolean {
    return this.#writes >= this.lastWrite;
  }

  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    return this.#alive(() => this.store.read(key, signal, maxBytes));
  }

  open(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    return this.#alive(() => this.store.open(key, options));
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#alive(() => this.store.stat(key, signal));
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.#alive(() => this.store.list(request, signal));
  }

  put(
    key: string,
    bytes: Uint8Array,
    options: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#write(() => this.store.put(key, bytes, options));
  }

  write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#write(() => this.store.write(key, body, options));
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#write(() => this.store.delete(key, signal));
  }

  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) throw this.#killed();
    return work();
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) throw this.#killed();
    this.#writes += 1;
    if (!this.dead) return work();
    if (this.moment === 'after') await work();
    throw this.#killed();
  }

  #killed(): StorageError {
    return new StorageError('unavailable', { driver: this.driver, operation: 'any' });
  }
}
