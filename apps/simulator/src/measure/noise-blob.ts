import { createCipheriv, createHash } from 'node:crypto';
import { type Digest, parseDigest } from '#libs/oci';
import type { Random } from '#libs/resilience';

const CHUNK_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(CHUNK_BYTES);
const KEY_BYTES = 16;

/** Content that cannot be compressed, of any size, made anew each time that it is read: it takes no memory. */
export interface NoiseBlob {
  readonly digest: Digest;
  readonly size: number;
  chunks(): Iterable<Uint8Array>;
}

export function makeNoiseBlob(size: number, random: Random): NoiseBlob {
  const key = random.bytes(KEY_BYTES);
  const chunks = (): Iterable<Uint8Array> => noise(key, size);
  const hash = createHash('sha256');
  for (const chunk of chunks()) hash.update(chunk);
  return { size, chunks, digest: parseDigest(`sha256:${hash.digest('hex')}`) };
}

/** The key stream of a cipher is as good as noise, and comes as fast as memory does. */
function* noise(key: Uint8Array, size: number): Generator<Uint8Array> {
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(KEY_BYTES));
  for (let left = size; left > 0; left -= CHUNK_BYTES)
    yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)));
}
