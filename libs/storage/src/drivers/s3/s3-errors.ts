import type { StorageErrorCode } from '../../storage-error.js';

/** An answer that is not a success. */
export class S3ResponseError extends Error {
  override readonly name = 'S3ResponseError';

  constructor(
    readonly status: number,
    /** The store's own word for it; empty where the answer had no body (HEAD). */
    readonly code: string,
    message: string,
  ) {
    super(`${status}${code && ` ${code}`}${message && `: ${message}`}`);
  }
}

const BY_CODE: Readonly<Record<string, StorageErrorCode>> = {
  PreconditionFailed: 'precondition_failed',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  NoSuchUpload: 'no_such_upload',
  InvalidRange: 'invalid_range',
  EntityTooLarge: 'too_large',
  XMinioStorageFull: 'out_of_space',
  QuotaExceeded: 'out_of_space',
  SlowDown: 'throttled',
  SlowDownRead: 'throttled',
  TooManyRequests: 'throttled',
  // MinIO says this when too few drives took a write: some did.
  SlowDownWrite: 'unavailable',
  // 400, but our connection was too slow: it may be quicker next time.
  RequestTimeout: 'unavailable',
  NoSuchBucket: 'unavailable',
};

const BY_STATUS: Readonly<Record<number, StorageErrorCode>> = {
  400: 'invalid',
  401: 'denied',
  403: 'denied',
  409: 'conflict',
  412: 'precondition_failed',
  413: 'too_large',
  416: 'invalid_range',
  429: 'throttled',
  507: 'out_of_space',
};

const MISSING = ['', 'NoSuchKey', 'NotFound'];

/**
 * What an error of the HTTP client or of the store means to a store's caller. The only place that decides
 * it. A 503 without one of the words above may come from a proxy in between, after the store did what was asked, so it is
 * `unavailable`, whose effect is unknown, like every timeout and every broken connection.
 */
export function translateS3Error(error: unknown): StorageErrorCode {
  if (!(error instanceof S3ResponseError)) return 'unavailable';
  return BY_CODE[error.code] ?? BY_STATUS[error.status] ?? 'unavailable';
}

/** Whether the store answered that the object is not there. A missing bucket is another matter. */
export function isMissing(status: number, code: string): boolean {
  return status === 404 && MISSING.includes(code);
}

export function isMissingObject(error: unknown): boolean {
  return error instanceof S3ResponseError && isMissing(error.status, error.code);
}
