import { createHash } from 'node:crypto';
import { type BlobDescriptor, parseDigest, type RepositoryName } from '#libs/oci';
import { type Answer, call } from './http-call.js';

export const MEBIBYTE = 1_048_576;
/** Sent in one request; no more than these are in memory, whatever the blob's size. */
const CHUNK_MEBIBYTES = 8;
const PATIENCE_MS = 60_000;

/** Pushes a blob of so many MiB, of which no two parts are equal; each seed has its own. It is made while it is sent. */
export async function pushLargeBlob(
  origin: string,
  repository: RepositoryName,
  { seed, mebibytes }: { readonly seed: number; readonly mebibytes: number },
  signal: AbortSignal,
): Promise<BlobDescriptor> {
  const hash = createHash('sha256');
  let location = new URL(`/v2/${repository}/blobs/uploads/`, origin);
  const send = async (method: string, status: number, body: Buffer, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await call(location, { method, body, headers, patienceMs: PATIENCE_MS }, signal);
    if (answer.status !== status) throw new Error(`${method} ${location.pathname}: ${answer.status} ${answer.body}`);
    location = locationOf(answer);
  };
  await send('POST', 202, Buffer.alloc(0));
  for (let at = 0; at < mebibytes; at += CHUNK_MEBIBYTES) {
    const body = Buffer.concat(pieces(seed, at, Math.min(mebibytes, at + CHUNK_MEBIBYTES)));
    hash.update(body);
    const start = at * MEBIBYTE;
    await send('PATCH', 202, body, {
      'content-type': 'application/octet-stream',
      'content-range': `${start}-${start + body.length - 1}`,
    });
  }
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  location.searchParams.set('digest', digest);
  await send('PUT', 201, Buffer.alloc(0));
  return { digest, size: mebibytes * MEBIBYTE };
}

function pieces(seed: number, from: number, to: number): readonly Buffer[] {
  return Array.from({ length: to - from }, (_, index) => {
    const piece = Buffer.alloc(MEBIBYTE, createHash('sha512').update(`large ${seed}`).digest());
    piece.writeUInt32BE(from + index);
    return piece;
  });
}

function locationOf(answer: Answer): URL {
  return new URL(answer.headers.get('location') ?? '', answer.url);
}
