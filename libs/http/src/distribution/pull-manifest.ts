import { type Reference, RegistryError, type RepositoryName } from '#libs/oci';
import { sendBytes, sendEmpty } from '../answer.js';
import { type Exchange, headerOf } from '../exchange.js';
import type { DistributionOptions } from './distribution-options.js';
import { entityTag, isKnown } from './entity-tag.js';

/** Whether the answer is this region's own (`local`), or another one's because it is not here yet (`peer`). */
export const SOURCE_HEADER = 'Meridian-Source';

/**
 * A manifest, as it was pushed. `Accept` is not negotiated: bytes that hash to a digest exist in one form only, and a
 * client that can't use it learns more from the type than from a 404.
 */
export async function pullManifest(
  { pull }: DistributionOptions,
  { request, response, signal }: Exchange,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const found = await pull.manifest(repository, reference, signal);
  if (found === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { name: repository });
  const { digest, mediaType, content, source } = found;
  const headers = { 'Docker-Content-Digest': digest, ETag: entityTag(digest), [SOURCE_HEADER]: source };
  if (isKnown(headerOf(request, 'if-none-match'), digest)) return sendEmpty(response, 304, headers);
  sendBytes(response, content, mediaType, headers);
}
