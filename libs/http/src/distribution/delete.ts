import type { Digest, Reference, RepositoryName } from '#libs/oci';
import type { Push } from '#libs/registry';
import { sendEmpty } from '../answer.js';
import type { Exchange } from '../exchange.js';
import { SEQ_HEADER } from './seq-header.js';

/** end-9 */
export async function deleteManifest(
  push: Push,
  { response, signal }: Exchange,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const { seq } = await push.deleteManifest(repository, reference, signal);
  sendEmpty(response, 202, { [SEQ_HEADER]: seq });
}

/** end-10 */
export async function deleteBlob(
  push: Push,
  { response, signal }: Exchange,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  const { seq } = await push.deleteBlob(repository, digest, signal);
  sendEmpty(response, 202, { [SEQ_HEADER]: seq });
}
