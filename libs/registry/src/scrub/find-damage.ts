import { createHash, type Hash } from 'node:crypto';
import { type Digest, digestAlgorithm, digestOf } from '#libs/oci';
import { type ByteRange, isStorageError, type ObjectStore } from '#libs/storage';
import type { HeldHeader } from '../blob-record.js';
import type { FoundBlob } from '../blob-records.js';
import type { Pace } from './pace.js';

/** Read at once, at full speed, and then waited for: a slow rate must not keep a connection to the store open. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Reads all bytes of a blob. @returns what is there instead of the blob; `undefined` if it is the blob */
export async function findDamage(
  store: ObjectStore,
  blob: { readonly digest: Digest; readonly header: HeldHeader; readonly content: FoundBlob['content'] },
  pace: Pace,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { digest, header, content } = blob;
  const algorithm = digestAlgorithm(digest);
  if (content.length === header.size) {
    const computed = digestOf(content, algorithm);
    return computed === digest ? undefined : computed;
  }
  const hash = createHash(algorithm);
  for (let start = 0; start < header.size; start += PIECE_BYTES) {
    const range = { start, end: Math.min(start + PIECE_BYTES, header.size) - 1 };
    const wrong = await readPiece(store, header, range, hash, signal);
    if (wrong !== undefined) return wrong;
    await pace.passed(range.end + 1 - start, signal);
  }
  const computed = `${algorithm}:${hash.digest('hex')}`;
  return computed === digest ? undefined : computed;
}

async function readPiece(
  store: ObjectStore,
  { data, size }: HeldHeader,
  range: Required<ByteRange>,
  hash: Hash,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const opened = await store.open(data, { range, signal });
    if (opened === undefined) return 'nothing';
    if (opened.stat.size !== size) {
      opened.body.destroy();
      return `${opened.stat.size} bytes`;
    }
    let end = range.start;
    for await (const chunk of opened.body as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      end += chunk.length;
    }
    return end === range.end + 1 ? undefined : `${end} bytes`;
  } catch (error) {
    if (isStorageError(error, 'invalid_range')) return `at most ${range.start} bytes`;
    throw error;
  }
}
