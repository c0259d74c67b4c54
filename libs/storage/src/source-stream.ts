import { addAbortSignal, type Readable } from 'node:stream';
import { StorageError, type StorageErrorContext } from './storage-error.js';

export type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

/**
 * Gives `work` the chunks of a caller's body. They fail with `invalid` when the stream fails (its error is the cause) or
 * when it does not hold exactly `size` bytes. However the work ends, the stream is destroyed, and it is watched from the
 * call on, so that one which fails before its first chunk is asked for cannot bring the process down.
 */
export async function withSource<T>(
  body: Uint8Array | Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
  work: (chunks: Chunks) => Promise<T>,
): Promise<T> {
  if (body instanceof Uint8Array) return await work(onlyChunk(body, size, context));
  body.on('error', () => undefined);
  addAbortSignal(signal, body);
  try {
    return await work(chunksOf(body, size, context, signal));
  } finally {
    body.destroy();
  }
}

async function* onlyChunk(bytes: Uint8Array, size: number | undefined, context: StorageErrorContext): Chunks {
  if (size !== undefined && bytes.byteLength !== size) throw wrongLength(size, `${bytes.byteLength}`, context);
  yield bytes;
}

async function* chunksOf(
  body: Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
): Chunks {
  let count = 0;
  for await (const bytes of iterate(body, context, signal)) {
    count += bytes.byteLength;
    if (size !== undefined && count > size) throw wrongLength(size, `more than ${size}`, context);
    yield bytes;
  }
  if (size !== undefined && count !== size) throw wrongLength(size, `${count}`, context);
}

async function* iterate(body: Readable, context: StorageErrorContext, signal: AbortSignal): Chunks {
  try {
    for await (const chunk of body) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    signal.throwIfAborted();
    throw new StorageError('invalid', context, { cause: error, message: 'the source stream failed' });
  }
}

function wrongLength(expected: number, came: string, context: StorageErrorContext): StorageError {
  return new StorageError('invalid', context, { message: `${expected} bytes were promised and ${came} came` });
}

/** All chunks as one array of bytes of their own. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
