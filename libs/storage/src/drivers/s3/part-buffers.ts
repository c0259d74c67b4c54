/** Bytes in a part of an object whose length is not known: 10,000 of them make 78 GiB. */
export const STREAM_PART_BYTES = 8 * 1024 * 1024;
const MAX_FREE = 16;

/** Buffers for parts, used again and again: allocating and clearing 8 MiB costs more than filling them. */
export class PartBuffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(STREAM_PART_BYTES);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

export interface FilledPart {
  readonly buffer: Buffer;
  readonly length: number;
}

/** Puts chunks together to full parts, the last one as long as it comes. The receiver gives the buffers back. */
export async function* fillParts(chunks: AsyncIterable<Uint8Array>, buffers: PartBuffers): AsyncGenerator<FilledPart> {
  let buffer = buffers.take();
  let length = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      if (length === buffer.byteLength) {
        yield { buffer, length };
        buffer = buffers.take();
        length = 0;
      }
      const taken = Math.min(chunk.byteLength - at, buffer.byteLength - length);
      buffer.set(chunk.subarray(at, at + taken), length);
      length += taken;
      at += taken;
    }
  }
  yield { buffer, length };
}
