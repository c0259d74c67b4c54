import type { IncomingMessage } from 'node:http';
import { RegistryError } from '#libs/oci';
import { IncomingBody } from './incoming-body.js';

/** The whole body. @throws `tooLarge`, of what says or turns out to be longer than `maxBytes` */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  tooLarge: () => Error = () => new RegistryError('SIZE_INVALID', undefined, { status: 413 }),
): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of new IncomingBody(request) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
