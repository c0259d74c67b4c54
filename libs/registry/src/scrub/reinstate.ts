import type { Digest } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import { liveHeader } from '../blob-records.js';
import type { RegionContent } from '../region-content.js';
import { findDamage } from './find-damage.js';
import { Pace } from './pace.js';

export interface ReinstateParts {
  readonly store: ObjectStore;
  readonly content: Pick<RegionContent, 'blobs'>;
  readonly clock: Clock;
}

/**
 * Takes a quarantined blob into use again if its bytes are right: what one pull found wrong may have gone wrong on its way.
 * @returns whether they are
 */
export async function reinstate(
  { store, content, clock }: ReinstateParts,
  digest: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const { records } = content.blobs;
  const found = await records.inspect(digest, signal);
  if (found === undefined || found.header.state !== 'quarantined') return false;
  const { header } = found;
  const unhurried = new Pace(Number.POSITIVE_INFINITY, clock);
  const wrong = await findDamage(store, { digest, header, content: found.content }, unhurried, signal);
  return wrong === undefined && records.replace(digest, found, liveHeader(header), signal);
}
