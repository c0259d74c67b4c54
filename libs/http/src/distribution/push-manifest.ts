import { SEQUENCE_HEADER } from '#libs/geo';
import { MAX_MANIFEST_BYTES, manifestTooLarge, parseTag, type Reference, type RepositoryName } from '#libs/oci';
import type { CommittedManifest } from '#libs/registry';
import { sendEmpty } from '../answer.js';
import { type Exchange, headerOf } from '../exchange.js';
import { readBody } from '../read-body.js';
import type { DistributionOptions, LocalWrites } from './distribution-options.js';
import { entityTag, preconditionOf } from './entity-tag.js';
import { refuseContentEncoding } from './incoming.js';

/**
 * end-7a, end-7b; with `If-Match` and `If-None-Match: *` a compare-and-swap of its tags. A write concern is read before
 * anything is done, and waited for when nothing can undo the push any more.
 */
export async function pushManifest(
  { locations }: DistributionOptions,
  { push, concerns, onPushed }: LocalWrites,
  exchange: Exchange,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const { request, query, response, signal } = exchange;
  refuseContentEncoding(request);
  const tags = query.getAll('tag').map(parseTag);
  const precondition = preconditionOf(request);
  const concern = concerns.of(exchange, repository);
  const committed = await push.manifest(
    {
      repository,
      reference,
      tags,
      contentType: headerOf(request, 'content-type'),
      content: await readBody(request, MAX_MANIFEST_BYTES, manifestTooLarge),
      ...(precondition === undefined ? {} : { precondition }),
    },
    signal,
  );
  onPushed(committed.seq);
  const headers = {
    Location: locations.manifest(exchange, repository, committed.digest),
    ...headersOf(committed, tags.length > 0),
  };
  const { digest, seq } = committed;
  const where = concern && (await concerns.satisfied({ repository, digest, seq, headers }, concern, signal));
  sendEmpty(response, 201, { ...headers, ...where });
}

function headersOf({ digest, seq, subject, tags }: CommittedManifest, sayTags: boolean) {
  return {
    'Docker-Content-Digest': digest,
    ETag: entityTag(digest),
    [SEQUENCE_HEADER]: seq,
    ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
    ...(sayTags ? { 'OCI-Tag': [...tags] } : {}),
  };
}
