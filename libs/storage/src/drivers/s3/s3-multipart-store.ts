import type { Readable } from 'node:stream';
import type { Clock } from '#libs/resilience';
import { checkPartList, checkPartNumber } from '../../check-request.js';
import { compareKeys } from '../../key-order.js';
import type { MultipartStore, MultipartUpload, ObjectStat, PartPosition, StoredPart } from '../../object-store.js';
import { withSource } from '../../source-stream.js';
import { isStorageError, StorageError } from '../../storage-error.js';
import { fromBucketKey } from './bucket-keys.js';
import { holdingBack } from './holding-back.js';
import { parseTime } from './list-objects.js';
import type { S3Operations } from './s3-operation.js';
import { DRIVER, MIN_PART_BYTES } from './s3-options.js';
import type { S3Transport } from './s3-transport.js';
import { escapeXml, xmlElements, xmlText } from './s3-xml.js';

export interface S3Context {
  readonly transport: S3Transport;
  readonly operations: S3Operations;
  readonly clock: Clock;
}

type ListedUpload = MultipartUpload & { readonly beganMs: number };

export class S3MultipartStore implements MultipartStore {
  readonly minPartBytes = MIN_PART_BYTES;

  constructor(private readonly s3: S3Context) {}

  begin(key: string, signal: AbortSignal): Promise<MultipartUpload> {
    return this.s3.operations.once('begin', key, signal, async (context) => {
      const begun = await this.s3.transport.ask({ method: 'POST', key, query: { uploads: '' }, signal });
      const id = xmlText(begun, 'UploadId');
      if (id === '') throw new StorageError('unavailable', context, { message: 'the answer has no upload id' });
      return { key, id };
    });
  }

  writePart(
    upload: MultipartUpload,
    part: PartPosition,
    body: Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const { key } = upload;
    if (body instanceof Uint8Array && body.byteLength === part.size) {
      return this.#orNoSuchUpload(upload, signal, () =>
        this.s3.operations.repeatable('writePart', key, signal, (context) => {
          checkPartNumber(part.number, context);
          return this.#sendPart(upload, part, body, signal);
        }),
      );
    }
    return withSource(body, part.size, { driver: DRIVER, operation: 'writePart', key }, signal, (chunks) =>
      this.#orNoSuchUpload(upload, signal, () =>
        this.s3.operations.once('writePart', key, signal, (context) => {
          checkPartNumber(part.number, context);
          return this.#sendPart(upload, part, holdingBack(chunks), signal);
        }),
      ),
    );
  }

  /**
   * A server that knows no such upload may say so and hang up while the part is still on its way, and then nobody hears
   * why. So after a connection that broke, ask.
   */
  async #orNoSuchUpload<T>({ key, id }: MultipartUpload, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isStorageError(error, 'unavailable')) throw error;
      await this.s3.operations.once('writePart', key, signal, async () => {
        await this.s3.transport.ask({ method: 'GET', key, query: { uploadId: id, 'max-parts': '1' }, signal });
      });
      throw error;
    }
  }

  async #sendPart(
    { key, id }: MultipartUpload,
    { number, offset, size }: PartPosition,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const query = { partNumber: String(number), uploadId: id };
    const headers = { 'content-length': String(size) };
    const { etag } = await this.s3.transport.tell({ method: 'PUT', key, query, headers, body, signal });
    return { number, offset, size, etag };
  }

  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat> {
    const { key, id } = upload;
    return this.s3.operations.once('complete', key, signal, async (context) => {
      const { size } = checkPartList(parts, this.minPartBytes, context);
      const body = Buffer.from(completionOf(parts));
      const done = await this.s3.transport.ask({ method: 'POST', key, query: { uploadId: id }, body, signal });
      const etag = xmlText(done, 'ETag');
      return { key, size, etag, modifiedMs: this.s3.clock.now() };
    });
  }

  async abort(upload: MultipartUpload, signal: AbortSignal): Promise<void> {
    const { key, id } = upload;
    try {
      await this.s3.operations.repeatable('abort', key, signal, async () => {
        await this.s3.transport.tell({ method: 'DELETE', key, query: { uploadId: id }, signal });
      });
    } catch (error) {
      if (!isStorageError(error, 'no_such_upload')) throw error;
    }
  }

  /**
   * Asks for all uploads of the bucket, because MinIO takes a prefix for a whole key. It also forgets uploads when it
   * starts again, and removes those of a day ago by itself, so there the list may be short and nothing is kept for ever.
   */
  async listUploads(prefix: string, signal: AbortSignal): Promise<readonly ListedUpload[]> {
    const found: ListedUpload[] = [];
    for (let marker: Marker | undefined = {}; marker !== undefined; ) {
      const page: UploadPage = await this.#uploadPage(marker, signal);
      found.push(...page.uploads.filter(({ key }) => key.startsWith(prefix)));
      marker = page.next;
    }
    return found.sort((a, b) => a.beganMs - b.beganMs || compareKeys(a.key, b.key));
  }

  #uploadPage(marker: Marker, signal: AbortSignal): Promise<UploadPage> {
    return this.s3.operations.repeatable('listUploads', undefined, signal, async () => {
      const page = await this.s3.transport.ask({ method: 'GET', query: { uploads: '', ...marker }, signal });
      const uploads = [...xmlElements(page, 'Upload')].flatMap(listedUpload);
      const more = xmlText(page, 'IsTruncated') === 'true';
      const [key, id] = [xmlText(page, 'NextKeyMarker'), xmlText(page, 'NextUploadIdMarker')];
      if (!more || key === '') return { uploads };
      return { uploads, next: { 'key-marker': key, ...(id !== '' && { 'upload-id-marker': id }) } };
    });
  }
}

/** Nothing for an upload that somebody else began in the bucket. */
function listedUpload(listed: string): ListedUpload[] {
  const key = fromBucketKey(xmlText(listed, 'Key'));
  if (key === undefined) return [];
  return [{ key, id: xmlText(listed, 'UploadId'), beganMs: parseTime(xmlText(listed, 'Initiated')) }];
}

function completionOf(parts: readonly StoredPart[]): string {
  const listed = parts.map(
    ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`;
}

type Marker = Readonly<Record<string, string>>;

interface UploadPage {
  readonly uploads: readonly ListedUpload[];
  readonly next?: Marker;
}
