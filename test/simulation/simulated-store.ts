import { Readable } from 'node:stream';
import { onAbort } from '#libs/resilience';
import {
  type ByteRange,
  type ListPage,
  type ListRequest,
  type MultipartStore,
  type MultipartUpload,
  type ObjectStat,
  type ObjectStore,
  type OpenedObject,
  type PartPosition,
  type PutCondition,
  StorageError,
  type StorageErrorCode,
  type StoredObject,
  type StoredPart,
} from '#libs/storage';
import type { Faults, StoreFault } from './fault-injector.js';
import type { SimulatedProcess } from './simulated-process.js';

/** An effect that comes after its caller has given up comes within this time. */
const LATE_MS = 12_000;

/** After this time the drivers give up on a store that says nothing. */
const STALL_MS = 20_000;

/** How many answers come later than their effect, although nothing is wrong. */
const LATER_ANSWER_CHANCE = 0.3;

/** So that some of the small blobs of a run are in their records and others are not. */
export const SIMULATED_INLINE_BYTES = 64;

/** Small parts, so that uploads in chunks have some. */
const MIN_PART_BYTES = 16;

const forever = new AbortController().signal;

/**
 * A region's store as one process sees it: linearizable, slow, and now and then it fails before the effect, after it, or
 * with the effect some seconds later. What the process asked for happens even if it dies meanwhile.
 */
export class SimulatedStore implements ObjectStore {
  readonly driver = 'simulated';
  readonly multipart: MultipartStore;

  constructor(
    private readonly store: ObjectStore & { readonly lives?: number },
    private readonly process: SimulatedProcess,
    private readonly faults: Faults,
  ) {
    this.multipart = this.#multipart(store.multipart);
  }

  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined> {
    return this.#call('read', key, signal, false, () => this.store.read(key, forever, maxBytes));
  }

  async open(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    const opened = await this.#call('open', key, options.signal, false, () => this.store.open(key, options));
    if (opened === undefined || !this.faults.strikes('store-read-cut', this.faults.plan.bodyBreak / 4)) return opened;
    opened.body.destroy();
    return { stat: opened.stat, body: failing(this.#error('unavailable', 'open', key)) };
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#call('stat', key, signal, false, () => this.store.stat(key, forever));
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    const { storePage } = this.faults.plan;
    const paged = storePage === 0 ? request : { ...request, limit: Math.min(request.limit, storePage) };
    return this.#call('list', request.prefix, signal, false, () => this.store.list(paged, forever));
  }

  put(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    const options = condition === undefined ? { signal: forever } : { condition, signal: forever };
    const fault = this.faults.storeFault(true, condition !== undefined);
    return this.#call('put', key, signal, true, () => this.store.put(key, bytes, options), fault);
  }

  async write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    body.on('error', () => undefined); // heard by whoever reads it, after a while
    try {
      return await this.#call('write', key, options.signal, true, () => this.store.write(key, body, options));
    } finally {
      body.destroy();
    }
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#call('delete', key, signal, true, () => this.store.delete(key, forever));
  }

  #multipart(multipart: MultipartStore): MultipartStore {
    return {
      minPartBytes: MIN_PART_BYTES,
      begin: (key, signal) => this.#call('begin', key, signal, true, () => multipart.begin(key, forever)),
      writePart: (upload: MultipartUpload, part: PartPosition, body: Uint8Array | Readable, signal: AbortSignal) =>
        this.#call('writePart', upload.key, signal, true, () => multipart.writePart(upload, part, body, forever)),
      complete: (upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal) =>
        this.#call('complete', upload.key, signal, true, () => multipart.complete(upload, parts, forever)),
      abort: (upload, signal) => this.#call('abort', upload.key, signal, true, () => multipart.abort(upload, forever)),
      listUploads: (prefix, signal) =>
        this.#call('listUploads', prefix, signal, false, () => multipart.listUploads(prefix, forever)),
    };
  }

  /** Settles when the signal aborts, and else as what happens does, if the process is there to hear it. */
  #call<T>(
    operation: string,
    key: string,
    signal: AbortSignal,
    changes: boolean,
    effect: () => Promise<T>,
    fault: StoreFault = this.faults.storeFault(changes),
  ): Promise<T> {
    const { process } = this;
    return new Promise<T>((resolve, reject) => {
      signal.throwIfAborted();
      const stop = onAbort(signal, () => {
        if (process.alive) reject(signal.reason);
      });
      const heard = (settle: () => void): void => {
        stop();
        if (process.alive) settle();
      };
      // A stream can't be read twice, so its effect is never late: it happens or not.
      this.#happen(operation, key, fault === 'late' && operation === 'write' ? 'after' : fault, effect).then(
        (result) => heard(() => resolve(result)),
        (error: unknown) => heard(() => reject(error)),
      );
    });
  }

  async #happen<T>(operation: string, key: string, fault: StoreFault, work: () => Promise<T>): Promise<T> {
    const { lives } = this.store;
    // What was asked of a bucket that is lost does not happen to the one in its place.
    const effect = async (): Promise<T> => {
      if (this.store.lives !== lives) throw this.#error('unavailable', operation, key);
      return await work();
    };
    await this.#wait();
    if (fault === 'before') {
      throw this.#error(this.process.random.next() < 0.5 ? 'throttled' : 'unavailable', operation, key);
    }
    if (fault === 'stall') {
      await this.#pause(STALL_MS);
      throw this.#error('unavailable', operation, key);
    }
    // Which of two writers is meant, the store does not say.
    if (fault === 'conflict') {
      if (this.process.random.next() < 0.5) await effect();
      throw this.#error('conflict', operation, key);
    }
    if (fault === 'late') {
      this.process.universe.scheduler.after(this.process.random.next() * LATE_MS, () => {
        this.#trace(`${operation} ${key} happens late`);
        effect().catch(() => undefined);
      });
      await this.#wait();
      throw this.#error('unavailable', operation, key);
    }
    const result = await effect();
    if (operation !== 'read') this.#trace(`${operation} ${key}${fault === 'none' ? '' : ` (${fault})`}`);
    // Most answers come with the effect, so that half as much has to be waited for; the rest leave time for others to see it first.
    if (fault !== 'none' || this.process.random.next() < LATER_ANSWER_CHANCE) await this.#wait();
    if (fault === 'after') throw this.#error('unavailable', operation, key);
    // Somebody in between sent it again, and it is there already.
    if (fault === 'refused') throw this.#error('precondition_failed', operation, key);
    return result;
  }

  #wait(): Promise<void> {
    return this.#pause(this.faults.delayMs(this.faults.plan.storeSlowMs));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.universe.scheduler.after(ms, resolve);
    });
  }

  #trace(what: string): void {
    this.process.universe.trace.say(this.process.name, what);
  }

  #error(code: StorageErrorCode, operation: string, key: string): StorageError {
    this.#trace(`${operation} ${key}: ${code}`);
    return new StorageError(code, { driver: this.driver, operation, key });
  }
}

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error);
    },
  });
}
