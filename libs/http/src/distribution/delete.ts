import { SEQUENCE_HEADER } from '#libs/geo';
import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { Push } from '#libs/registry';
import { sendEmpty } from '../answer.js';
import type { Exchange } from '../exchange.js';
import { preconditionOf } from './entity-tag.js';

/** end-9; with `If-Match` only what the client thinks that it deletes. */
export async function deleteManifest(
  push: Push,
  { request, response, signal }: Exchange,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const precondition = preconditionOf(request);
  const target = precondition === undefined ? reference : { ...reference, precondition };
  const { seq } = await push.deleteManifest(repository, target, signal);
  sendEmpty(response, 202, { [SEQUENCE_HEADER]: seq });
}

/** end-10 */
export async function deleteBlob(
  push: Push,
  { response, signal }: Exchange,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  const { seq } = await push.deleteBlob(repository, digest, signal);
  sendEmpty(response, 202, { [SEQUENCE_HEADER]: seq });
}
