import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

/** First and last byte, both inclusive. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes of a file, which is closed with the stream. They are read into memory that other threads can see: whoever hashes them
 * on one need not copy them.
 */
export function fileBody(file: FileHandle, { start, end }: Extent, chunkBytes: () => number): Readable {
  let at = start;
  const body = new Readable({
    highWaterMark: 1,
    read: () => {
      const length = Math.min(chunkBytes(), end - at + 1);
      if (length <= 0) {
        body.push(null);
        return;
      }
      const memory = Buffer.from(new SharedArrayBuffer(length));
      file.read(memory, 0, length, at).then(
        ({ bytesRead }) => {
          at += bytesRead;
          // A file that is shorter than it was ends early, as any does.
          if (!body.destroyed) body.push(bytesRead === 0 ? null : memory.subarray(0, bytesRead));
        },
        (error: Error) => body.destroy(error),
      );
    },
    destroy: (error, done) => {
      file.close().then(
        () => done(error),
        (failure: Error) => done(error ?? failure),
      );
    },
  });
  return body;
}
