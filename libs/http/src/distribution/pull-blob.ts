import type { OutgoingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Digest, parseByteRange, RegistryError, type RepositoryName } from '#libs/oci';
import type { PullableBlob } from '#libs/registry';
import type { ByteRange } from '#libs/storage';
import { sendEmpty } from '../answer.js';
import { type Exchange, headerOf, isHead } from '../exchange.js';
import type { DistributionOptions } from './distribution-options.js';
import { entityTag, isKnown } from './entity-tag.js';

/** A blob, or a part of it: from the store by redirect where that is wanted and possible, else through this process. */
export async function pullBlob(
  options: DistributionOptions,
  exchange: Exchange,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  const { request, response, signal } = exchange;
  const startMs = options.clock.monotonic();
  const blob = await options.pull.blob(repository, digest, signal);
  if (blob === undefined) throw new RegistryError('BLOB_UNKNOWN', { digest });
  const headers = headersOf(blob);
  if (isKnown(headerOf(request, 'if-none-match'), digest)) return sendEmpty(response, 304, headers);
  if (!isHead(request) && redirects(options, blob) && blob.location !== undefined) {
    sendEmpty(response, 307, {
      Location: blob.location(),
      'Docker-Content-Digest': digest,
      'Cache-Control': 'no-store',
    });
  } else {
    await sendBlob(exchange, blob, headers);
  }
  const seconds = (options.clock.monotonic() - startMs) / 1_000;
  if (!isHead(request)) options.onPull({ source: blob.source, seconds });
}

async function sendBlob(exchange: Exchange, blob: PullableBlob, headers: OutgoingHttpHeaders): Promise<void> {
  const { request, response } = exchange;
  // Only GET has ranges (RFC 9110, 14.2).
  if (isHead(request)) return sendHead(exchange, { ...headers, 'Content-Length': blob.size });
  const asked = parseByteRange(headerOf(request, 'range'), blob.size);
  switch (asked.kind) {
    case 'unsatisfiable':
      throw new RegistryError('RANGE_INVALID', undefined, { headers: { 'Content-Range': `bytes */${blob.size}` } });
    case 'whole':
      return stream(exchange, blob, undefined, () => {
        response.writeHead(200, { ...headers, 'Content-Length': blob.size });
      });
    case 'range': {
      const { start, end } = asked;
      const partial = {
        ...headers,
        'Content-Length': end - start + 1,
        'Content-Range': `bytes ${start}-${end}/${blob.size}`,
      };
      return stream(exchange, blob, { start, end }, () => {
        response.writeHead(206, partial);
      });
    }
  }
}

/** Nothing is said before the blob could be opened: a store that fails is a 503, not a broken 200. */
async function stream(
  { response, signal }: Exchange,
  blob: PullableBlob,
  range: ByteRange | undefined,
  begin: () => void,
): Promise<void> {
  const bytes = await blob.open(range, signal);
  begin();
  await pipeline(bytes, response, { signal });
}

function sendHead({ response }: Exchange, headers: OutgoingHttpHeaders): void {
  response.writeHead(200, headers).end();
}

function redirects({ redirect }: DistributionOptions, blob: PullableBlob): boolean {
  return redirect.fromBytes !== undefined && blob.size >= redirect.fromBytes;
}

function headersOf({ digest }: PullableBlob): OutgoingHttpHeaders {
  return {
    // Whatever the bytes are, no browser may take them for a page.
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    'Accept-Ranges': 'bytes',
    ETag: entityTag(digest),
  };
}
