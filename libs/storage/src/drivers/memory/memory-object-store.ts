import { Readable } from 'node:stream';
import type { Clock } from '#libs/resilience';
import {
  checkCondition,
  checkKey,
  checkListRequest,
  checkReadSize,
  DEFAULT_MAX_READ_BYTES,
  resolveRange,
} from '../../check-request.js';
import { lowerBound } from '../../key-order.js';
import type {
  ByteRange,
  ListPage,
  ListRequest,
  ObjectStat,
  ObjectStore,
  OpenedObject,
  PutCondition,
  StoredObject,
} from '../../object-store.js';
import { runOperation } from '../../operation.js';
import { collect, withSource } from '../../source-stream.js';
import type { StorageErrorContext } from '../../storage-error.js';
import { MemoryMultipartStore } from './memory-multipart-store.js';

const DRIVER = 'memory';
const CHUNK_BYTES = 64 * 1024;

/**
 * A store in this process's memory, for tests and simulation. It keeps the whole contract except durability. Each
 * operation takes effect in one turn of the event loop, which makes it linearizable.
 */
export class MemoryObjectStore implements ObjectStore {
  readonly driver = DRIVER;
  readonly multipart: MemoryMultipartStore;
  readonly #clock: Clock;
  readonly #objects = new Map<string, StoredObject>();
  /** The keys of `#objects` in byte order, so that a page is found without sorting. */
  readonly #sorted: string[] = [];
  #version = 0;
  #lives = 1;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
    this.multipart = new MemoryMultipartStore(clock, (key, bytes) => this.#place(key, bytes));
  }

  read(key: string, signal: AbortSignal, maxBytes = DEFAULT_MAX_READ_BYTES): Promise<StoredObject | undefined> {
    return this.#run('read', key, signal, (context) => {
      const found = this.#objects.get(key);
      if (found === undefined) return undefined;
      checkReadSize(found, maxBytes, context);
      return { ...found, bytes: Buffer.from(found.bytes) };
    });
  }

  /** Which store this is, of those that were cleared. */
  get lives(): number {
    return this.#lives;
  }

  /** Everything is gone at once: for tests of what follows when a bucket is lost. */
  clear(): void {
    this.#lives += 1;
    this.#objects.clear();
    this.#sorted.length = 0;
  }

  /** What is there now, itself: for tests that look past the port. As long as an object is the same, so are its bytes. */
  peek(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  open(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    return this.#run('open', key, signal, (context) => {
      const found = this.#objects.get(key);
      if (found === undefined) return undefined;
      const { start, end } = resolveRange(range, found.size, context);
      const body = Readable.from(inChunks(found.bytes.subarray(start, end + 1)), { objectMode: false, signal });
      body.on('error', () => undefined); // destroyed by the signal: whoever reads it is told all the same
      return { stat: statOf(found), body };
    });
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#run('stat', key, signal, () => {
      const found = this.#objects.get(key);
      return found && statOf(found);
    });
  }

  put(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#run('put', key, signal, (context) => {
      checkCondition(condition, this.#objects.get(key), context);
      return this.#place(key, Buffer.from(bytes));
    });
  }

  write(
    key: string,
    body: Readable,
    { size, signal }: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return withSource(body, size, { driver: DRIVER, operation: 'write', key }, signal, (chunks) =>
      this.#run('write', key, signal, async () => this.#place(key, await collect(chunks))),
    );
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    return this.#run('list', undefined, signal, (context) => {
      checkListRequest(request, context);
      return this.#page(request);
    });
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#run('delete', key, signal, () => {
      if (this.#objects.delete(key)) this.#sorted.splice(lowerBound(this.#sorted, key), 1);
    });
  }

  #page({ prefix, startAfter, limit }: ListRequest): ListPage {
    const objects: ObjectStat[] = [];
    let at = lowerBound(this.#sorted, prefix);
    if (startAfter !== undefined) at = Math.max(at, lowerBound(this.#sorted, `${startAfter}\0`));
    for (; at < this.#sorted.length && objects.length <= limit; at++) {
      const found = this.#objects.get(this.#sorted[at] ?? '');
      if (found === undefined || !found.key.startsWith(prefix)) break;
      objects.push(statOf(found));
    }
    return { objects: objects.slice(0, limit), more: objects.length > limit };
  }

  #place(key: string, bytes: Uint8Array): ObjectStat {
    if (!this.#objects.has(key)) this.#sorted.splice(lowerBound(this.#sorted, key), 0, key);
    this.#version += 1;
    const stat = { key, size: bytes.byteLength, etag: `v${this.#version}`, modifiedMs: this.#clock.now() };
    this.#objects.set(key, { ...stat, bytes });
    return stat;
  }

  #run<T>(
    operation: string,
    key: string | undefined,
    signal: AbortSignal,
    work: (context: StorageErrorContext) => T | Promise<T>,
  ): Promise<T> {
    const context = { driver: DRIVER, operation, ...(key !== undefined && { key }) };
    return runOperation(
      context,
      signal,
      () => 'unavailable',
      () => {
        // A key that was stored has been checked.
        if (key !== undefined && !this.#objects.has(key)) checkKey(key, context);
        return work(context);
      },
    );
  }
}

function statOf({ key, size, etag, modifiedMs }: StoredObject): ObjectStat {
  return { key, size, etag, modifiedMs };
}

function* inChunks(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) {
    yield new Uint8Array(bytes.subarray(at, at + CHUNK_BYTES));
  }
}
