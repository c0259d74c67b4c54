import { resolveRange } from '../../check-request.js';
import type { ByteRange } from '../../object-store.js';
import { StorageError, type StorageErrorContext } from '../../storage-error.js';
import type { S3Response } from './s3-transport.js';

/** A range that makes no sense for any object: a store ignores those and sends everything. */
export function checkRange(range: ByteRange, context: StorageErrorContext): void {
  resolveRange(range, Number.MAX_SAFE_INTEGER, context);
}

export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end ?? ''}`;
}

/** The size of the whole object, from the answer to a request for a range. */
export function sizeFromRange(response: S3Response, range: ByteRange, context: StorageErrorContext): number {
  const { contentLength, contentRange } = response.headers;
  if (response.status === 200) return sizeOfWhole(contentLength, range, context);
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange) ?? [];
  if (Number(first) !== range.start) {
    throw new StorageError('unavailable', context, { message: `asked for ${rangeHeader(range)}, got ${contentRange}` });
  }
  return Number(total);
}

/** Some stores answer with the whole object where the range begins at 0 or the object is empty. */
function sizeOfWhole(size: number, range: ByteRange, context: StorageErrorContext): number {
  const { start, end } = resolveRange(range, size, context);
  if (start === 0 && end === size - 1) return size;
  throw new StorageError('unavailable', context, { message: `asked for ${rangeHeader(range)}, got everything` });
}
