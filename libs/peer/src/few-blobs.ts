import type { BlobDescriptor } from '#libs/oci';

/** Of one request for many small blobs: what bounds the answer that its server makes in memory. */
export const MOST_FEW_BLOBS = 64;
export const MOST_FEW_BLOB_BYTES = 128 * 1024;

const LENGTH_BYTES = 4;
const NOT_SENT = 0xffff_ffff;

/** One blob of the answer: its length in four bytes, then itself; a length that no blob has for one that is not sent. */
export function framedBlob(bytes: Uint8Array | undefined): readonly Uint8Array[] {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32BE(bytes?.length ?? NOT_SENT);
  return bytes === undefined ? [length] : [length, bytes];
}

/**
 * The blobs of an answer, in the order in which they were asked for, each as soon as it is whole; `undefined` for one that
 * was not sent. @throws RangeError if the answer is none · Error if it ends before its end
 */
export async function* readFramedBlobs(
  body: AsyncIterable<Uint8Array>,
  blobs: readonly BlobDescriptor[],
): AsyncGenerator<Uint8Array | undefined, void> {
  const received = new Received();
  let told = 0;
  for await (const chunk of body) {
    received.add(chunk);
    for (let blob = blobs[told]; blob !== undefined; blob = blobs[told]) {
      const frame = takeFrame(received, blob.size);
      if (frame === undefined) break;
      told += 1;
      yield frame.bytes;
    }
  }
  if (told < blobs.length) throw new Error(`the answer ended ${blobs.length - told} blobs early`);
  if (received.size > 0) throw new RangeError('more bytes than were asked for');
}

/** The next blob, if it is there as a whole. */
function takeFrame(received: Received, size: number): { readonly bytes: Uint8Array | undefined } | undefined {
  if (received.size < LENGTH_BYTES) return undefined;
  const length = received.peek(LENGTH_BYTES).readUInt32BE();
  if (length === NOT_SENT) {
    received.take(LENGTH_BYTES);
    return { bytes: undefined };
  }
  if (length !== size) throw new RangeError(`a blob of ${length} bytes, not ${size}`);
  if (received.size < LENGTH_BYTES + size) return undefined;
  return { bytes: received.take(LENGTH_BYTES + size).subarray(LENGTH_BYTES) };
}

/** Bytes that came and were not taken yet; chunks are put together only for somebody who takes more than the first of them. */
class Received {
  #chunks: Buffer[] = [];
  size = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.size += chunk.byteLength;
  }

  /** The next bytes; the caller has made sure that they are here. */
  peek(count: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) return first.subarray(0, count);
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole.subarray(0, count);
  }

  take(count: number): Buffer {
    const bytes = this.peek(count);
    const [first, ...more] = this.#chunks;
    this.#chunks = first === undefined || first.length === count ? more : [first.subarray(count), ...more];
    this.size -= count;
    return bytes;
  }
}
