import type { Readable } from 'node:stream';
import type { Clock } from '#libs/resilience';
import { checkKey, checkPartList, checkPartNumber } from '../../check-request.js';
import { compareKeys } from '../../key-order.js';
import type { MultipartStore, MultipartUpload, ObjectStat, PartPosition, StoredPart } from '../../object-store.js';
import { runOperation } from '../../operation.js';
import { collect, withSource } from '../../source-stream.js';
import { StorageError, type StorageErrorContext } from '../../storage-error.js';

interface PendingUpload extends MultipartUpload {
  readonly beganMs: number;
  readonly parts: Map<number, { readonly etag: string; readonly bytes: Uint8Array }>;
}

/** Uploads by parts, in memory; `place` puts the finished object where the store's readers find it. */
export class MemoryMultipartStore implements MultipartStore {
  readonly minPartBytes = 1;
  readonly #uploads = new Map<string, PendingUpload>();
  #serial = 0;

  constructor(
    private readonly clock: Clock,
    private readonly place: (key: string, bytes: Uint8Array) => ObjectStat,
  ) {}

  begin(key: string, signal: AbortSignal): Promise<MultipartUpload> {
    return run('begin', key, signal, (context) => {
      checkKey(key, context);
      const id = this.#next('u');
      this.#uploads.set(id, { key, id, beganMs: this.clock.now(), parts: new Map() });
      return { key, id };
    });
  }

  writePart(
    upload: MultipartUpload,
    part: PartPosition,
    body: Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const context = { driver: 'memory', operation: 'writePart', key: upload.key };
    return withSource(body, part.size, context, signal, (chunks) =>
      run('writePart', upload.key, signal, async () => {
        checkPartNumber(part.number, context);
        this.#get(upload, context);
        const bytes = await collect(chunks);
        const etag = this.#next('p');
        this.#get(upload, context).parts.set(part.number, { etag, bytes });
        return { number: part.number, offset: part.offset, size: part.size, etag };
      }),
    );
  }

  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat> {
    return run('complete', upload.key, signal, (context) => {
      const pending = this.#get(upload, context);
      checkPartList(parts, this.minPartBytes, context);
      const bytes = Buffer.concat(parts.map((part) => storedBytes(pending, part, context)));
      this.#uploads.delete(upload.id);
      return this.place(upload.key, bytes);
    });
  }

  abort(upload: MultipartUpload, signal: AbortSignal): Promise<void> {
    return run('abort', upload.key, signal, () => {
      this.#uploads.delete(upload.id);
    });
  }

  listUploads(
    prefix: string,
    signal: AbortSignal,
  ): Promise<readonly (MultipartUpload & { readonly beganMs: number })[]> {
    return run('listUploads', prefix, signal, () =>
      [...this.#uploads.values()]
        .filter(({ key }) => key.startsWith(prefix))
        .map(({ key, id, beganMs }) => ({ key, id, beganMs }))
        .sort((a, b) => a.beganMs - b.beganMs || compareKeys(a.key, b.key)),
    );
  }

  #next(kind: string): string {
    this.#serial += 1;
    return `${kind}${this.#serial}`;
  }

  #get(upload: MultipartUpload, context: StorageErrorContext): PendingUpload {
    const pending = this.#uploads.get(upload.id);
    if (pending === undefined || pending.key !== upload.key) throw new StorageError('no_such_upload', context);
    return pending;
  }
}

function storedBytes(upload: PendingUpload, part: StoredPart, context: StorageErrorContext): Uint8Array {
  const stored = upload.parts.get(part.number);
  if (stored?.etag === part.etag && stored.bytes.byteLength === part.size) return stored.bytes;
  throw new StorageError('invalid', context, { message: `part ${part.number} is not the one that was stored` });
}

function run<T>(
  operation: string,
  key: string,
  signal: AbortSignal,
  work: (context: StorageErrorContext) => T | Promise<T>,
): Promise<T> {
  const context = { driver: 'memory', operation, key };
  return runOperation(
    context,
    signal,
    () => 'unavailable',
    async () => await work(context),
  );
}
