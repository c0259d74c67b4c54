import type { IncomingMessage } from 'node:http';
import { MAX_MANIFEST_BYTES, manifestTooLarge, parseTag, type Reference, type RepositoryName } from '#libs/oci';
import type { CommittedManifest, Push } from '#libs/registry';
import { sendEmpty } from '../answer.js';
import { type Exchange, headerOf } from '../exchange.js';
import { IncomingBody } from '../incoming-body.js';
import type { DistributionOptions } from './distribution-options.js';
import { entityTag, preconditionOf } from './entity-tag.js';
import { refuseContentEncoding } from './incoming.js';
import { SEQ_HEADER } from './seq-header.js';

/** end-7a, end-7b; with `If-Match` and `If-None-Match: *` a compare-and-swap of its tags. */
export async function pushManifest(
  { locations }: DistributionOptions,
  push: Push,
  exchange: Exchange,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const { request, query, response, signal } = exchange;
  refuseContentEncoding(request);
  const tags = query.getAll('tag').map(parseTag);
  const precondition = preconditionOf(request);
  const committed = await push.manifest(
    {
      repository,
      reference,
      tags,
      contentType: headerOf(request, 'content-type'),
      content: await readManifest(request),
      ...(precondition === undefined ? {} : { precondition }),
    },
    signal,
  );
  sendEmpty(response, 201, {
    Location: locations.manifest(exchange, repository, committed.digest),
    ...headersOf(committed, tags.length > 0),
  });
}

function headersOf({ digest, seq, subject, tags }: CommittedManifest, sayTags: boolean) {
  return {
    'Docker-Content-Digest': digest,
    ETag: entityTag(digest),
    [SEQ_HEADER]: seq,
    ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
    ...(sayTags ? { 'OCI-Tag': [...tags] } : {}),
  };
}

/** The body, as long as it is no longer than a manifest may be; what says that it is longer is not read at all. */
async function readManifest(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_MANIFEST_BYTES) throw manifestTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of new IncomingBody(request) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) throw manifestTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
