import type { Readable } from 'node:stream';
import { checkListRequest, checkReadSize, DEFAULT_MAX_READ_BYTES } from '../../check-request.js';
import type {
  ByteRange,
  ListPage,
  ListRequest,
  ObjectStat,
  ObjectStore,
  OpenedObject,
  PresignRequest,
  PutCondition,
  StoredObject,
} from '../../object-store.js';
import { type Chunks, collect, withSource } from '../../source-stream.js';
import { StorageError } from '../../storage-error.js';
import { holdingBack } from './holding-back.js';
import { listObjects } from './list-objects.js';
import { fillParts, PartBuffers, STREAM_PART_BYTES } from './part-buffers.js';
import type { ResponseHeaders } from './response-headers.js';
import { isMissingObject } from './s3-errors.js';
import { type S3Context, S3MultipartStore } from './s3-multipart-store.js';
import { S3Operations } from './s3-operation.js';
import { DRIVER, MAX_PUT_BYTES, type S3ObjectStoreOptions } from './s3-options.js';
import { createPresign } from './s3-presign.js';
import { checkRange, rangeHeader, sizeFromRange } from './s3-range.js';
import { type S3Request, type S3Response, S3Transport } from './s3-transport.js';
import { writeParts } from './write-parts.js';

/**
 * Objects in a bucket of anything that speaks S3 and honours conditional writes (`probeConditionalWrites` proves it).
 *
 * What may be done twice is tried again after a failure; a
 * conditional write, a write of a stream and the steps of an upload are sent once, and without an answer they reject with
 * `unavailable`, whose effect is unknown. An S3 etag is a digest of the content: it changes with every replacement that
 * changes a byte, and the objects that are replaced under a condition never return to the same bytes.
 */
export class S3ObjectStore implements ObjectStore {
  readonly driver = DRIVER;
  readonly multipart: S3MultipartStore;
  readonly presign?: (request: PresignRequest) => string;
  readonly #s3: S3Context;
  readonly #buffers = new PartBuffers();

  constructor(options: S3ObjectStoreOptions) {
    const { clock, random } = options;
    const transport = new S3Transport(options);
    const operations = new S3Operations(clock, random);
    this.#s3 = { transport, operations, clock };
    this.multipart = new S3MultipartStore(this.#s3);
    const presign = createPresign(options, () => transport.storeNow());
    if (presign !== undefined) this.presign = presign;
  }

  read(key: string, signal: AbortSignal, maxBytes = DEFAULT_MAX_READ_BYTES): Promise<StoredObject | undefined> {
    return this.#s3.operations.repeatable('read', key, signal, async (context) => {
      const found = await this.#s3.transport.find({ method: 'GET', key, signal }, maxBytes);
      if (found === undefined) return undefined;
      const stat = this.#stat(key, lengthOf(found.headers), found.headers);
      checkReadSize(stat, maxBytes, context);
      return { ...stat, bytes: found.bytes };
    });
  }

  open(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined> {
    return this.#s3.operations.repeatable('open', key, signal, async (context) => {
      if (range !== undefined) checkRange(range, context);
      const headers = range && { range: rangeHeader(range) };
      const response = await this.#open({ method: 'GET', key, signal, ...(headers && { headers }) });
      if (response === undefined) return undefined;
      try {
        const size = range === undefined ? lengthOf(response.headers) : sizeFromRange(response, range, context);
        return { stat: this.#stat(key, size, response.headers), body: response.body };
      } catch (error) {
        response.body.destroy();
        throw error;
      }
    });
  }

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined> {
    return this.#s3.operations.repeatable('stat', key, signal, async () => {
      const found = await this.#s3.transport.find({ method: 'HEAD', key, signal }, Number.POSITIVE_INFINITY);
      return found && this.#stat(key, lengthOf(found.headers), found.headers);
    });
  }

  put(
    key: string,
    bytes: Uint8Array,
    { condition, signal }: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    const { operations } = this.#s3;
    if (condition === undefined) {
      return operations.repeatable('put', key, signal, () => this.#send(key, bytes, bytes.byteLength, {}, signal));
    }
    return operations.once('put', key, signal, async (context) => {
      try {
        return await this.#send(key, bytes, bytes.byteLength, conditionHeader(condition), signal);
      } catch (error) {
        // If-Match on an object that is not there: the version that was to be replaced is gone.
        if (isMissingObject(error)) throw new StorageError('precondition_failed', context, { cause: error });
        throw error;
      }
    });
  }

  write(
    key: string,
    body: Readable,
    { size, signal }: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat> {
    return withSource(body, size, { driver: DRIVER, operation: 'write', key }, signal, (chunks) =>
      this.#s3.operations.once('write', key, signal, async () =>
        size === undefined || size > MAX_PUT_BYTES
          ? await this.#writeUnsized(key, chunks, signal)
          : await this.#writeSized(key, chunks, size, signal),
      ),
    );
  }

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage> {
    const { operations, transport } = this.#s3;
    return operations.repeatable('list', undefined, signal, async (context) => {
      checkListRequest(request, context);
      return await listObjects(request, (query) => transport.ask({ method: 'GET', query, signal }));
    });
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    return this.#s3.operations.repeatable('delete', key, signal, async () => {
      try {
        await this.#s3.transport.tell({ method: 'DELETE', key, signal });
      } catch (error) {
        if (!isMissingObject(error)) throw error;
      }
    });
  }

  /** Ends the connections. What is under way fails. */
  async close(): Promise<void> {
    await this.#s3.transport.close();
  }

  async #open(request: S3Request): Promise<S3Response | undefined> {
    try {
      return await this.#s3.transport.send(request);
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw error;
    }
  }

  async #writeSized(key: string, chunks: Chunks, size: number, signal: AbortSignal): Promise<ObjectStat> {
    const body = size === 0 ? await collect(chunks) : holdingBack(chunks);
    return await this.#send(key, body, size, {}, signal);
  }

  /** What fits into one part is one PUT; the upload by parts begins when the first part is full and more comes. */
  async #writeUnsized(key: string, chunks: Chunks, signal: AbortSignal): Promise<ObjectStat> {
    const parts = fillParts(chunks, this.#buffers);
    const first = await parts.next();
    if (first.done) throw new Error('there is always a first part');
    const { buffer, length } = first.value;
    if (length < STREAM_PART_BYTES) {
      const stat = await this.#send(key, buffer.subarray(0, length), length, {}, signal);
      this.#buffers.give(buffer);
      return stat;
    }
    return await writeParts(key, startingWith(first.value, parts), this.#buffers, this.multipart, signal);
  }

  async #send(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    size: number,
    condition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ObjectStat> {
    const headers = { 'content-length': String(size), ...condition };
    return this.#stat(key, size, await this.#s3.transport.tell({ method: 'PUT', key, headers, body, signal }));
  }

  #stat(key: string, size: number, { etag, lastModifiedMs, dateMs }: ResponseHeaders): ObjectStat {
    return { key, size, etag, modifiedMs: lastModifiedMs ?? dateMs ?? this.#s3.clock.now() };
  }
}

function lengthOf({ contentLength }: ResponseHeaders): number {
  if (Number.isNaN(contentLength)) throw new Error('the answer does not tell its length');
  return contentLength;
}

function conditionHeader(condition: PutCondition): Readonly<Record<string, string>> {
  return condition.kind === 'absent' ? { 'if-none-match': '*' } : { 'if-match': condition.etag };
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
