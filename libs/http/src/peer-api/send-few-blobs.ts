import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { type Digest, digestAlgorithm, digestOf, parseDigest, RegistryError } from '#libs/oci';
import { framedBlob, MOST_FEW_BLOB_BYTES, MOST_FEW_BLOBS } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import type { Exchange } from '../exchange.js';
import { readBody } from '../read-body.js';

/** So many are read from the store, and held in memory, at once. */
const AT_ONCE = 8;

/** So many digests, and what is between them. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * Small blobs that another region asks for together, in the order in which it does. One that is not here, is too big or
 * cannot be read just now is left out: asked for by itself, the other region hears why.
 */
export async function sendFewBlobs(
  { request, response, signal }: Exchange,
  blobs: Pick<BlobStore, 'stat' | 'open'>,
): Promise<void> {
  const digests = parseDigests(await readBody(request, MAX_BODY_BYTES));
  // No proxy between two regions may pack the bytes.
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-transform' });
  for (let start = 0; start < digests.length; start += AT_ONCE) {
    const asked = digests.slice(start, start + AT_ONCE);
    const found = await Promise.all(asked.map((digest) => findBytes(blobs, digest, signal)));
    if (!response.write(Buffer.concat(found.flatMap(framedBlob)))) await once(response, 'drain', { signal });
  }
  response.end();
}

async function findBytes(
  blobs: Pick<BlobStore, 'stat' | 'open'>,
  digest: Digest,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    const record = await blobs.stat(digest, signal);
    if (record === undefined || record.size > MOST_FEW_BLOB_BYTES) return undefined;
    if (record.content === undefined) return await buffer(await blobs.open(record, undefined, signal));
    // What is damaged is found out, and dealt with, by whoever opens it.
    return digestOf(record.content, digestAlgorithm(digest)) === digest ? record.content : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function parseDigests(body: Uint8Array): readonly Digest[] {
  const { digests } = parseJson(body);
  if (!Array.isArray(digests) || digests.length > MOST_FEW_BLOBS) throw badRequest();
  return digests.map((digest) => parseDigest(String(digest)));
}

function parseJson(body: Uint8Array): { readonly digests?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(body).toString()));
  } catch (cause) {
    throw badRequest(cause);
  }
}

function badRequest(cause?: unknown): RegistryError {
  const message = `not a list of at most ${MOST_FEW_BLOBS} digests`;
  return new RegistryError('UNSUPPORTED', undefined, { status: 400, message, cause });
}
