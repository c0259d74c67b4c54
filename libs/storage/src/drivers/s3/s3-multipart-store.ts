import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type MultipartUpload as ListedByS3,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '#libs/resilience';
import { checkPartList, checkPartNumber } from '../../check-request.js';
import { compareKeys } from '../../key-order.js';
import type { MultipartStore, MultipartUpload, ObjectStat, PartPosition, StoredPart } from '../../object-store.js';
import { withSource } from '../../source-stream.js';
import { isStorageError, StorageError } from '../../storage-error.js';
import { fromBucketKey, toBucketKey } from './bucket-keys.js';
import { holdingBack } from './holding-back.js';
import type { S3Operations } from './s3-operation.js';
import { DRIVER, MIN_PART_BYTES } from './s3-options.js';
import type { S3Transport } from './s3-transport.js';

export interface S3Context {
  readonly client: S3Client;
  readonly bucket: string;
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
      const command = new CreateMultipartUploadCommand({ Bucket: this.s3.bucket, Key: toBucketKey(key) });
      const { UploadId: id } = await this.s3.client.send(command, { abortSignal: signal });
      if (id === undefined) throw new StorageError('unavailable', context, { message: 'the answer has no upload id' });
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
        const command = new ListPartsCommand({
          Bucket: this.s3.bucket,
          Key: toBucketKey(key),
          UploadId: id,
          MaxParts: 1,
        });
        await this.s3.client.send(command, { abortSignal: signal });
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
    const response = await this.s3.transport.send({ method: 'PUT', key, query, headers, body, signal });
    await response.body.dump();
    return { number, offset, size, etag: response.headers.etag };
  }

  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat> {
    const { key, id } = upload;
    return this.s3.operations.once('complete', key, signal, async (context) => {
      const { size } = checkPartList(parts, this.minPartBytes, context);
      const command = new CompleteMultipartUploadCommand({
        Bucket: this.s3.bucket,
        Key: toBucketKey(key),
        UploadId: id,
        MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
      });
      const { ETag: etag = '' } = await this.s3.client.send(command, { abortSignal: signal });
      return { key, size, etag, modifiedMs: this.s3.clock.now() };
    });
  }

  async abort(upload: MultipartUpload, signal: AbortSignal): Promise<void> {
    const { key, id } = upload;
    try {
      await this.s3.operations.repeatable('abort', key, signal, async () => {
        const command = new AbortMultipartUploadCommand({
          Bucket: this.s3.bucket,
          Key: toBucketKey(key),
          UploadId: id,
        });
        await this.s3.client.send(command, { abortSignal: signal });
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
      const command = new ListMultipartUploadsCommand({ Bucket: this.s3.bucket, ...marker });
      const page = await this.s3.client.send(command, { abortSignal: signal });
      const uploads = (page.Uploads ?? []).flatMap(listedUpload);
      const { IsTruncated: more, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      if (!more || KeyMarker === undefined) return { uploads };
      return { uploads, next: { KeyMarker, ...(UploadIdMarker !== undefined && { UploadIdMarker }) } };
    });
  }
}

/** Nothing for an upload that somebody else began in the bucket. */
function listedUpload({ Key = '', UploadId: id = '', Initiated }: ListedByS3): ListedUpload[] {
  const key = fromBucketKey(Key);
  return key === undefined ? [] : [{ key, id, beganMs: Initiated?.getTime() ?? 0 }];
}

interface Marker {
  readonly KeyMarker?: string;
  readonly UploadIdMarker?: string;
}

interface UploadPage {
  readonly uploads: readonly ListedUpload[];
  readonly next?: Marker;
}
