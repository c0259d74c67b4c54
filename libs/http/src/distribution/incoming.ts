import type { IncomingMessage } from 'node:http';
import { parseContentRange, RegistryError } from '#libs/oci';
import type { ChunkRange, IncomingBytes } from '#libs/registry';
import { headerOf } from '../exchange.js';
import { IncomingBody } from '../incoming-body.js';

/** Content is stored as it is hashed; an encoding around it would be neither stored nor given back. */
export function refuseContentEncoding(request: IncomingMessage): void {
  const encoding = headerOf(request, 'content-encoding')?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return;
  throw new RegistryError('UNSUPPORTED', undefined, {
    status: 415,
    message: 'content must be sent without Content-Encoding',
  });
}

/** The body of a request, and its length where one was declared. */
export function incomingBytes(request: IncomingMessage): IncomingBytes {
  refuseContentEncoding(request);
  const body = new IncomingBody(request);
  const length = headerOf(request, 'content-length');
  if (length !== undefined) return { body, size: Number(length) };
  // Without a length and without chunks there is no body (RFC 9112, 6.3).
  return request.headers['transfer-encoding'] === undefined ? { body, size: 0 } : { body };
}

/** A chunk of an upload; docker sends none of its limits, others say them twice. */
export function incomingChunk(request: IncomingMessage): IncomingBytes & { readonly range?: ChunkRange } {
  const header = headerOf(request, 'content-range');
  const range = header === undefined ? {} : { range: parseContentRange(header) };
  return { ...incomingBytes(request), ...range };
}
