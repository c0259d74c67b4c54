import type { Digest } from '#libs/oci';
import { digestOfBlobKey } from '#libs/storage';
import type { HeldHeader } from '../blob-record.js';
import { type FoundBlob, liveHeader } from '../blob-records.js';
import { findDamage } from './find-damage.js';
import { noteRepair } from './scrub-report.js';
import { found, type ScrubRun } from './scrub-run.js';

/** Looks at one blob whose record is at `key`; takes it out of use if its bytes are wrong, and fetches right ones. */
export async function scrubBlob(run: ScrubRun, key: string, signal: AbortSignal): Promise<void> {
  const digest = digestOfBlobKey(key);
  const record = await inspect(run, digest, signal);
  if (record === undefined || record.header.state === 'gone') return;
  const { header } = record;
  run.report.seen.blobs += 1;
  run.report.seen.bytes += header.size;
  const wrong = await confirmedDamage(run, digest, record, header, signal);
  run.observer.onSeen('blobs', 1, header.size);
  if (wrong === undefined)
    return header.state === 'quarantined' ? release(run, digest, record, header, signal) : undefined;
  const { blobs } = run.content;
  const damage = { digest, size: header.size, data: header.data, reason: wrong };
  // Otherwise somebody pushed it again or took it away since it was read: these bytes are not in use.
  if (header.state !== 'quarantined' && !(await blobs.quarantine(damage, signal))) return;
  const finding = { kind: 'blob', digest, data: header.data, expected: digest, found: wrong } as const;
  found(run, finding);
  if (await run.repair({ digest, size: header.size }, signal)) noteRepair(run.report, finding);
}

/** A second look: what was wrong on its way here only is not damage. */
async function confirmedDamage(
  { store, pace }: ScrubRun,
  digest: Digest,
  { content }: FoundBlob,
  header: HeldHeader,
  signal: AbortSignal,
): Promise<string | undefined> {
  const look = () => findDamage(store, { digest, header, content }, pace, signal);
  return (await look()) === undefined ? undefined : look();
}

/** Its bytes are right after all, or again. */
async function release(
  { content }: ScrubRun,
  digest: Digest,
  record: FoundBlob,
  header: HeldHeader,
  signal: AbortSignal,
): Promise<void> {
  await content.blobs.records.replace(digest, record, liveHeader(header), signal);
}

/** A record that says nothing sensible is taken away: whatever needs the blob is found to lack it, and gets it anew. */
async function inspect(run: ScrubRun, digest: Digest, signal: AbortSignal): Promise<FoundBlob | undefined> {
  const { blobs } = run.content;
  try {
    return await blobs.records.inspect(digest, signal);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const removed = await blobs.records.discard(digest, blobs.newDataKey(), signal);
    if (removed) found(run, { kind: 'record', digest, expected: 'a record', found: error.message });
    return undefined;
  }
}
