import { addAbortSignal, type Readable } from 'node:stream';
import { StorageError, type StorageErrorContext } from './storage-error.js';

/**
 * The chunks of a caller's stream. Fails with `invalid` when the stream fails (its error is the cause) or when it does
 * not hold exactly `size` bytes. Whatever ends the reading, the stream is destroyed. Watches the stream from the call
 * on, so that one which fails before the first chunk is asked for cannot bring the process down.
 */
export function readSource(
  body: Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  addAbortSignal(signal, body);
  body.on('error', () => undefined);
  return chunks(body, size, context, signal);
}

async function* chunks(
  body: Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  try {
    for await (const chunk of body) {
      const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      count += bytes.byteLength;
      if (size !== undefined && count > size) throw wrongLength(size, `more than ${size}`, context);
      yield bytes;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StorageError) throw error;
    throw new StorageError('invalid', context, { cause: error, message: 'the source stream failed' });
  }
  if (size !== undefined && count !== size) throw wrongLength(size, `${count}`, context);
}

export function wrongLength(expected: number, came: string, context: StorageErrorContext): StorageError {
  return new StorageError('invalid', context, { message: `${expected} bytes were promised and ${came} came` });
}
