import type { Readable } from 'node:stream';
import { readSource, wrongLength } from '../../source-stream.js';
import type { StorageErrorContext } from '../../storage-error.js';

/** All bytes of a body, its own copy, `size` of them if that is given. */
export async function collect(
  body: Uint8Array | Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!(body instanceof Uint8Array)) return Buffer.concat(await allOf(body, size, context, signal));
  if (size !== undefined && body.byteLength !== size) throw wrongLength(size, `${body.byteLength}`, context);
  return body.slice();
}

async function allOf(
  body: Readable,
  size: number | undefined,
  context: StorageErrorContext,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readSource(body, size, context, signal)) chunks.push(chunk);
  return chunks;
}
