import type { RehashedObject } from '#libs/journal';
import { type BlobDescriptor, type Digest, type RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import type { BlobRecord } from '../blob-records.js';
import { CompactSet } from '../gc/compact-set.js';
import type { RegionContent } from '../region-content.js';
import { isWhole } from '../region-reader.js';
import { findDamage } from '../scrub/find-damage.js';
import type { Pace } from '../scrub/pace.js';

export interface RehashParts {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  /** Of bytes. */
  readonly pace: Pace;
  readonly clock: Clock;
}

/** Blobs of this run that were read already; beyond that some are read once more. */
const MAX_READ = 500_000;

/** Reads every manifest of some repositories again, and every blob that these name, once. What is damaged is quarantined. */
export async function* rehashRepositories(
  parts: RehashParts,
  matches: (repository: RepositoryName) => boolean,
  signal: AbortSignal,
): AsyncGenerator<RehashedObject> {
  let read = new CompactSet();
  for await (const page of parts.content.catalog.all(signal)) {
    for (const repository of page.filter(matches)) {
      for await (const digests of parts.content.manifests.digests(repository, signal)) {
        for (const digest of digests) {
          if (read.size > MAX_READ) read = new CompactSet();
          yield* rehashManifest(parts, { repository, digest, read }, signal);
        }
      }
    }
  }
}

async function* rehashManifest(
  parts: RehashParts,
  manifest: { readonly repository: RepositoryName; readonly digest: Digest; readonly read: CompactSet },
  signal: AbortSignal,
): AsyncGenerator<RehashedObject> {
  const { repository, digest, read } = manifest;
  const stored = await parts.content.manifests.inspect(repository, digest, signal);
  if (stored === undefined || (stored.state !== undefined && stored.state.value === undefined)) return;
  await parts.pace.passed(stored.bytes, signal);
  const value = stored.state?.value;
  const whole = value !== undefined && isWhole(digest, value.content);
  const damage = whole ? {} : { damage: 'it is not what it should be' };
  yield { kind: 'manifest', repository, digest, size: stored.bytes, ...damage };
  for (const blob of value?.blobs ?? []) {
    if (read.has(blob.digest)) continue;
    const found = await rehashBlob(parts, blob, signal);
    if (found === 'absent') continue; // Whether it should be here, the comparison says.
    read.add(blob.digest);
    const wrong = 'damage' in found ? { damage: found.damage } : {};
    yield { kind: 'blob', repository, digest: blob.digest, size: blob.size, ...wrong };
  }
}

/** A blob whose bytes were just read and are right. */
export interface RehashedBlob {
  readonly record: Pick<BlobRecord, 'digest' | 'size'>;
  readonly hashedMs: number;
}

/** Reads one blob again. What is wrong by two looks is quarantined, and so fetched anew from elsewhere. */
export async function rehashBlob(
  { store, content, pace, clock }: RehashParts,
  { digest, size }: BlobDescriptor,
  signal: AbortSignal,
): Promise<RehashedBlob | { readonly damage: string } | 'absent'> {
  const found = await content.blobs.records.inspect(digest, signal);
  if (found === undefined || found.header.state === 'gone') return 'absent';
  const { header } = found;
  if (header.state === 'quarantined') return { damage: header.reason };
  const look = () => findDamage(store, { digest, header, content: found.content }, pace, signal);
  const damage = (await look()) === undefined ? undefined : await look();
  if (damage === undefined) return { record: { digest, size: header.size }, hashedMs: clock.now() };
  await content.blobs.quarantine({ digest, size, data: header.data, reason: damage }, signal);
  return { damage };
}
