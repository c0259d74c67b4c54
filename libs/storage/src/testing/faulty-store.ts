import type { Readable } from 'node:stream';
import type {
  MultipartStore,
  MultipartUpload,
  ObjectStat,
  ObjectStore,
  PartPosition,
  PutCondition,
  StoredPart,
} from '../object-store.js';
import { StorageError, type StorageErrorCode } from '../storage-error.js';

/**
 * What happens to one call.
 *
 *   none      it goes through
 *   before    it fails without an effect, with the code given (`throttled` by default)
 *   after     it takes effect, and the caller hears `unavailable`, as when the answer is lost
 *   crash     it has no effect and never settles, as when the process ends just before
 *   crash_after  it takes effect and never settles, as when the process ends just after
 */
export type Fault =
  | { readonly kind: 'none' | 'after' | 'crash' | 'crash_after' }
  | { readonly kind: 'before'; readonly code?: StorageErrorCode };

export type MutatingOperation = 'put' | 'write' | 'delete' | 'begin' | 'writePart' | 'complete' | 'abort';

/** One call that may change the store. */
export interface MutatingCall {
  /** Counts from 1 over all mutating calls of this store. */
  readonly number: number;
  readonly operation: MutatingOperation;
  readonly key: string;
}

export type FaultScript = (call: MutatingCall) => Fault;

const NO_FAULT: Fault = { kind: 'none' };

/** Everything goes through, except the `number`th mutating call. */
export function faultAt(number: number, fault: Fault): FaultScript {
  return (call) => (call.number === number ? fault : NO_FAULT);
}

/**
 * A store whose changes fail by script, for tests of crashes and lost answers. Reads are not touched. After a crash
 * nothing settles any more, reads included, until the test opens another decorator on the same store, as a process that
 * starts again would.
 */
export class FaultyObjectStore implements ObjectStore {
  readonly driver: string;
  readonly multipart: MultipartStore;
  readonly #calls: MutatingCall[] = [];
  #crashed = false;
  #whenCrashed: () => void = () => undefined;
  /** Resolves when the script made it crash. */
  readonly crashed = new Promise<void>((resolve) => {
    this.#whenCrashed = resolve;
  });

  constructor(
    private readonly store: ObjectStore,
    private readonly script: FaultScript = () => NO_FAULT,
  ) {
    this.driver = store.driver;
    this.multipart = this.#faultyMultipart(store.multipart);
  }

  /** The mutating calls so far. Run once without faults to learn how many there are to fail. */
  get calls(): readonly MutatingCall[] {
    return this.#calls;
  }

  read(key: string, signal: AbortSignal, maxBytes?: number) {
    return this.#alive(() => this.store.read(key, signal, maxBytes));
  }

  open(key: string, options: Parameters<ObjectStore['open']>[1]) {
    return this.#alive(() => this.store.open(key, options));
  }

  stat(key: string, signal: AbortSignal) {
    return this.#alive(() => this.store.stat(key, signal));
  }

  list(request: Parameters<ObjectStore['list']>[0], signal: AbortSignal) {
    return this.#alive(() => this.store.list(request, signal));
  }

  put(
    key: string,
    bytes: Uint8Array,
    options: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#mutate('put', key, () => this.store.put(key, bytes, options));
  }

  write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return this.#mutate('write', key, () => this.store.write(key, body, options), body);
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#mutate('delete', key, () => this.store.delete(key, signal));
  }

  #faultyMultipart(multipart: MultipartStore): MultipartStore {
    return {
      minPartBytes: multipart.minPartBytes,
      begin: (key, signal) => this.#mutate('begin', key, () => multipart.begin(key, signal)),
      writePart: (upload: MultipartUpload, part: PartPosition, body: Uint8Array | Readable, signal: AbortSignal) =>
        this.#mutate(
          'writePart',
          upload.key,
          () => multipart.writePart(upload, part, body, signal),
          body instanceof Uint8Array ? undefined : body,
        ),
      complete: (upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal) =>
        this.#mutate('complete', upload.key, () => multipart.complete(upload, parts, signal)),
      abort: (upload, signal) => this.#mutate('abort', upload.key, () => multipart.abort(upload, signal)),
      listUploads: (prefix, signal) => this.#alive(() => multipart.listUploads(prefix, signal)),
    };
  }

  async #mutate<T>(operation: MutatingOperation, key: string, work: () => Promise<T>, body?: Readable): Promise<T> {
    if (this.#crashed) return await never();
    const call = { number: this.#calls.length + 1, operation, key };
    this.#calls.push(call);
    const fault = this.script(call);
    if (fault.kind === 'none') return await this.#alive(work);
    if (fault.kind === 'crash') return await this.#crash(body);
    if (fault.kind === 'before') {
      body?.on('error', () => undefined).destroy();
      throw new StorageError(fault.code ?? 'throttled', { driver: this.driver, operation, key });
    }
    await work();
    if (fault.kind === 'crash_after') return await this.#crash(body);
    throw new StorageError('unavailable', { driver: this.driver, operation, key }, { message: 'the answer was lost' });
  }

  #crash(body: Readable | undefined): Promise<never> {
    this.#crashed = true;
    body?.on('error', () => undefined).destroy();
    this.#whenCrashed();
    return never();
  }

  /** What a crashed process began may still happen, but it never hears of it. */
  async #alive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#crashed) return await never();
    try {
      return await work();
    } finally {
      if (this.#crashed) await never();
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
