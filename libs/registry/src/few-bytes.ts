import { addAbortSignal, type Readable } from 'node:stream';
import { digestAlgorithm, digestOf, RegistryError } from '#libs/oci';
import type { ExpectedContent } from './verifying-stream.js';

/** Content whose length is known, and small. */
export type FewBytes = ExpectedContent & { readonly size: number };

/**
 * Takes in content that fits into memory, and checks it when all of it is there: to pass it through a stream that hashes
 * costs several times the hash. The body is destroyed if this fails. @throws RegistryError `DIGEST_INVALID` · `SIZE_INVALID`
 */
export async function readFewBytes(expected: FewBytes, body: Readable, signal: AbortSignal): Promise<Uint8Array> {
  const content = await takeFewBytes(expected, body, signal);
  const computed = digestOf(content, digestAlgorithm(expected.digest));
  if (computed !== expected.digest) throw new RegistryError('DIGEST_INVALID', { computed });
  return content;
}

/** The same, whatever it hashes to. @throws RegistryError `SIZE_INVALID` */
export async function takeFewBytes(
  expected: { readonly size: number },
  body: Readable,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of addAbortSignal(signal, body) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    received += chunk.byteLength;
    if (received > expected.size) throw wrongSize(expected, received);
  }
  if (received < expected.size) throw wrongSize(expected, received);
  return Buffer.concat(chunks);
}

function wrongSize({ size }: { readonly size: number }, received: number): RegistryError {
  return new RegistryError('SIZE_INVALID', { expected: size, received });
}
