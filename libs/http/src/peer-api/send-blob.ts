import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, parseByteRange, RegistryError } from '#libs/oci';
import { BLOB_GROWING_HEADER, BLOB_SIZE_HEADER } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import type { ByteRange } from '#libs/storage';
import { sendEmpty } from '../answer.js';
import { type Exchange, headerOf, isHead } from '../exchange.js';

/** Bytes that another region may have. */
export interface SendableBlob {
  readonly size: number;
  /** Whether they come from a copy that is still under way. */
  readonly growing: boolean;
  open(range: ByteRange | undefined, signal: AbortSignal): Promise<Readable>;
}

/** A blob's bytes as they are stored, whichever repository may read them: regions copy blobs, not repositories. */
export async function findStoredBlob(
  blobs: Pick<BlobStore, 'stat' | 'open'>,
  digest: Digest,
  signal: AbortSignal,
): Promise<SendableBlob | undefined> {
  const record = await blobs.stat(digest, signal);
  if (record === undefined) return undefined;
  return { size: record.size, growing: false, open: (range, reading) => blobs.open(record, range, reading) };
}

export async function sendBlob(blob: SendableBlob, { request, response, signal }: Exchange): Promise<void> {
  const { size } = blob;
  const range = parseByteRange(headerOf(request, 'range'), size);
  if (range.kind === 'unsatisfiable') {
    throw new RegistryError('RANGE_INVALID', undefined, { headers: { 'Content-Range': `bytes */${size}` } });
  }
  const { start, end } = range.kind === 'range' ? range : { start: 0, end: size - 1 };
  const status = range.kind === 'range' ? 206 : 200;
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start + 1,
    'Accept-Ranges': 'bytes',
    // No proxy between two regions may pack the bytes.
    'Cache-Control': 'no-transform',
    [BLOB_SIZE_HEADER]: size,
    ...(blob.growing ? { [BLOB_GROWING_HEADER]: '1' } : {}),
    ...(status === 206 ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
  };
  if (isHead(request)) return sendEmpty(response, status, headers);
  // Nothing is said before the blob could be opened: a store that fails is a 503, not a broken 200.
  const bytes = await blob.open(status === 206 ? { start, end } : undefined, signal);
  response.writeHead(status, headers);
  // How soon an answer begins tells how the line is; the bytes may be long in coming.
  if (blob.growing) response.flushHeaders();
  await pipeline(bytes, response, { signal });
}
