import { type BlobDescriptor, type Digest, digestAlgorithm, digestOf, type RepositoryName } from '#libs/oci';
import { partsOfKey } from '#libs/storage';
import type { CompactSet } from '../gc/compact-set.js';
import type { StoredManifest } from '../manifests.js';
import { lostEntry } from './lost-entry.js';
import { noteRepair } from './scrub-report.js';
import { found, type ScrubRun } from './scrub-run.js';

/** Looks at one manifest, and at whether the blobs that it names are here. `here`: blobs that were looked at already. */
export async function scrubManifest(run: ScrubRun, key: string, here: CompactSet, signal: AbortSignal): Promise<void> {
  const { repository, digest } = partsOfKey(key);
  const stored = await run.content.manifests.inspect(repository, digest, signal);
  if (stored === undefined) return;
  await run.pace.passed(stored.bytes, signal);
  run.report.seen.manifests += 1;
  run.report.seen.bytes += stored.bytes;
  run.observer.onSeen('manifests', 1, stored.bytes);
  const wrong = damageOf(stored, digest);
  if (wrong !== undefined) return restore(run, { repository, digest, stored, wrong }, signal);
  for (const blob of stored.state?.value?.blobs ?? []) {
    if (!here.has(blob.digest)) await scrubReference(run, { repository, digest, blob, here }, signal);
  }
}

function damageOf({ state }: StoredManifest, digest: Digest): string | undefined {
  if (state === undefined) return 'something unreadable';
  if (state.value === undefined) return undefined;
  const computed = digestOf(state.value.content, digestAlgorithm(digest));
  return computed === digest ? undefined : computed;
}

interface DamagedManifest {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly stored: StoredManifest;
  readonly wrong: string;
}

/** What its last entry says is put in the place of what is wrong. */
async function restore(
  run: ScrubRun,
  { repository, digest, stored, wrong }: DamagedManifest,
  signal: AbortSignal,
): Promise<void> {
  const finding = { kind: 'manifest', repository, digest, expected: digest, found: wrong } as const;
  found(run, finding);
  const entry = await lostEntry(run, { repository, digest, seq: stored.state?.seq }, signal);
  if (entry === undefined) return;
  const restored = await run.content.manifests.restore(entry, stored.etag, signal);
  if (!restored) return;
  noteRepair(run.report, finding);
  run.observer.onRestored(finding);
}

interface NamedBlob {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly blob: BlobDescriptor;
  readonly here: CompactSet;
}

async function scrubReference(
  run: ScrubRun,
  { repository, digest, blob, here }: NamedBlob,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, manifests } = run.content;
  const record = await blobs.records.inspect(blob.digest, signal);
  const state = record?.header.state;
  if (state === 'live' || state === 'condemned') return here.add(blob.digest);
  // A manifest that was deleted since may have been the last to need it.
  if ((await manifests.find(repository, digest, signal)) === undefined) return;
  const finding = { kind: 'missing', digest: blob.digest, expected: `${blob.size} bytes`, found: 'nothing' } as const;
  found(run, finding);
  if (!(await run.repair(blob, signal))) return;
  noteRepair(run.report, finding);
  here.add(blob.digest);
}
