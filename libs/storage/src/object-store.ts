import type { Readable } from 'node:stream';

/** What the store knows of an object without reading it. */
export interface ObjectStat {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Opaque; changes whenever the object is replaced. Only compared for equality, on the same key. */
  readonly etag: string;
  /** When it was last written, by the store's clock, in milliseconds since the epoch. For ages, never for order. */
  readonly modifiedMs: number;
}

/** A small object, whole. */
export interface StoredObject extends ObjectStat {
  readonly bytes: Uint8Array;
}

export interface OpenedObject {
  readonly stat: ObjectStat;
  /** The caller owns it and must read it to its end or destroy it. */
  readonly body: Readable;
}

/** Bytes from `start` to `end`, both 0-based and inclusive; without `end`, to the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** `absent`: only create (`If-None-Match: *`). `matches`: only replace that very version (`If-Match`). */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'matches'; readonly etag: string };

export interface ListRequest {
  /** Only keys that begin with these characters. Any string: it need not end at a `/`. */
  readonly prefix: string;
  /** Only keys after this one in byte order, itself left out. It need not exist. */
  readonly startAfter?: string;
  /** 1 to 1,000. A page never holds more, and may hold fewer although there are more. */
  readonly limit: number;
}

export interface ListPage {
  /** In the byte order of their keys. */
  readonly objects: readonly ObjectStat[];
  /** True if a further page may hold more: ask with `startAfter` = the last key of this one. */
  readonly more: boolean;
}

/** An object in the making, by parts. It is invisible under its key until {@link MultipartStore.complete} resolved. */
export interface MultipartUpload {
  readonly key: string;
  readonly id: string;
}

export interface PartPosition {
  /** From 1, without gaps, at most 10,000 (S3). */
  readonly number: number;
  /** Where the part begins in the finished object, in bytes. Parts must not overlap or leave gaps at completion. */
  readonly offset: number;
  /** Bytes in this part. Every part but the last holds at least {@link MultipartStore.minPartBytes}. */
  readonly size: number;
}

export interface StoredPart extends PartPosition {
  readonly etag: string;
}

export interface MultipartStore {
  /** S3: 5 MiB. A driver without a minimum says 1. */
  readonly minPartBytes: number;
  begin(key: string, signal: AbortSignal): Promise<MultipartUpload>;
  /**
   * Stores one part, durably. Parts may be written at the same time and in any order; a number written again replaces
   * the earlier one. Exactly `size` bytes must come, else `StorageError` `invalid` and the part does not count.
   */
  writePart(
    upload: MultipartUpload,
    part: PartPosition,
    body: Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<StoredPart>;
  /**
   * Makes the object visible, whole, in one step. `parts` in ascending number.
   * @throws StorageError `no_such_upload` if it was completed or aborted before: ask {@link ObjectStore.stat} which. Some
   * stores (S3 itself) answer again, as before, when a completed upload is completed with the same parts.
   */
  complete(upload: MultipartUpload, parts: readonly StoredPart[], signal: AbortSignal): Promise<ObjectStat>;
  /** Drops the parts. Succeeds if they are gone already. */
  abort(upload: MultipartUpload, signal: AbortSignal): Promise<void>;
  /** Uploads begun and neither completed nor aborted, oldest first or in key order; for the garbage collector. */
  listUploads(
    prefix: string,
    signal: AbortSignal,
  ): Promise<readonly (MultipartUpload & { readonly beganMs: number })[]>;
}

export interface PresignRequest {
  readonly key: string;
  readonly expiresInMs: number;
  /** What the store shall answer as `Content-Type`. */
  readonly contentType: string;
}

/**
 * The truth of a region: a flat space of keys and immutable-or-conditionally-replaced objects, in one bucket.
 *
 * Keys are `/`-separated, non-empty parts of at most 255 bytes each, at most 1,000 bytes together, without
 * control characters, spaces and `!`, and without parts `.` and `..`; one key may be a prefix of another. Every operation is linearizable: after a write resolved, every later read, stat and list anywhere
 * sees it. A write that resolved is durable. An object is visible whole or not at all.
 *
 * Every method rejects with {@link StorageError} only (or with the signal's reason once it aborted). Absence is
 * `undefined`, never an error. Aborting `signal` ends the operation and destroys streams that it had opened.
 */
export interface ObjectStore {
  /** For logs, metrics and error messages: `memory`, `filesystem`, `s3`. */
  readonly driver: string;

  /** The whole object in memory. @throws StorageError `too_large` if it holds more than `maxBytes` (16 MiB by default). */
  read(key: string, signal: AbortSignal, maxBytes?: number): Promise<StoredObject | undefined>;

  /** A stream of the object or of a range that begins inside it. @throws StorageError `invalid_range` */
  open(
    key: string,
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject | undefined>;

  stat(key: string, signal: AbortSignal): Promise<ObjectStat | undefined>;

  /** Creates or replaces an object. @throws StorageError `precondition_failed` when the condition does not hold. */
  put(
    key: string,
    bytes: Uint8Array,
    options: { readonly condition?: PutCondition; readonly signal: AbortSignal },
  ): Promise<ObjectStat>;

  /**
   * Creates or replaces an object from a stream, with flat memory. With `size`, exactly so many bytes must come, else
   * `StorageError` `invalid` and nothing is visible. Without it, the length is whatever comes. If the stream fails, the
   * object is not written and the stream's own error is the rejection's `cause`.
   */
  write(
    key: string,
    body: Readable,
    options: { readonly size?: number; readonly signal: AbortSignal },
  ): Promise<ObjectStat>;

  list(request: ListRequest, signal: AbortSignal): Promise<ListPage>;

  /** Removes the object if it is there. */
  delete(key: string, signal: AbortSignal): Promise<void>;

  readonly multipart: MultipartStore;

  /** The URL at which a client may fetch the object by itself, if this store can be reached by clients; else `undefined`. */
  presign?(request: PresignRequest): string;
}
