import { RegistryError } from './registry-error.js';

/** Where a chunk belongs in its upload: 0-based, both ends inclusive. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
}

/** The spec's form is `0-99` (end-5); HTTP's own, `bytes 0-99/*`, is understood too. 16 digits hold every safe integer. */
const CONTENT_RANGE = /^(?:bytes[ =])?([0-9]{1,16})-([0-9]{1,16})(?:\/(?:\*|[0-9]{1,16}))?$/;

/** @throws RegistryError `BLOB_UPLOAD_INVALID`, with status 416 for a range that ends before it begins */
export function parseContentRange(header: string): ContentRange {
  const [, first, last] = CONTENT_RANGE.exec(header) ?? [];
  const range = { start: Number(first), end: Number(last) };
  if (!Number.isSafeInteger(range.start) || !Number.isSafeInteger(range.end)) {
    throw new RegistryError('BLOB_UPLOAD_INVALID', { reason: 'malformed Content-Range' });
  }
  if (range.end < range.start) {
    throw new RegistryError('BLOB_UPLOAD_INVALID', { reason: 'Content-Range ends before it begins' }, { status: 416 });
  }
  return range;
}
