import type { Digest } from '#libs/oci';
import { digestOfBlobKey, keys, type ObjectStat } from '#libs/storage';
import { type HeldHeader, LONGEST_GONE_BYTES } from '../blob-record.js';
import { type FoundBlob, liveHeader } from '../blob-records.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import type { CompactSet } from './compact-set.js';
import type { Cycle } from './cycle.js';

/** How many blobs there are, and how many of them nothing needs; without reading any. */
export async function surveyBlobs(
  cycle: Cycle,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly unneeded: number }> {
  let [total, unneeded] = [0, 0];
  for await (const page of allObjects(cycle.store, keys.blobPrefix, signal)) {
    for (const { key } of page.filter(isHeld)) {
      total += 1;
      if (!cycle.mark.needsBlob(digestOfBlobKey(key))) unneeded += 1;
    }
    cycle.report.done += page.length;
  }
  return { total, unneeded };
}

/** Puts blobs that nothing needs on notice, and sweeps those whose time is up. Adds the data keys of all that stay to `named`. */
export async function collectBlobs(cycle: Cycle, named: CompactSet, signal: AbortSignal): Promise<void> {
  for await (const page of allObjects(cycle.store, keys.blobPrefix, signal)) {
    const held = page.filter(isHeld);
    await forEachOf(held, async ({ key }) => {
      const digest = digestOfBlobKey(key);
      const found = await cycle.content.blobs.records.inspect(digest, signal);
      if (found === undefined || found.header.state === 'gone') return;
      named.add(found.header.data);
      await judge(cycle, digest, found, found.header, signal);
    });
    cycle.report.seen.blobs += held.length;
    cycle.report.done += page.length;
    await cycle.flushSweeps(false, signal);
  }
  await cycle.flushSweeps(true, signal);
}

async function judge(
  cycle: Cycle,
  digest: Digest,
  found: FoundBlob,
  header: HeldHeader,
  signal: AbortSignal,
): Promise<void> {
  const { content, mark, report, dryRun } = cycle;
  const { records } = content.blobs;
  if (mark.needsBlob(digest)) {
    // Needed again without anybody having asked: on notice it would go too soon when it is not needed any more.
    if (header.state === 'condemned' && !dryRun) await records.replace(digest, found, liveHeader(header), signal);
    return;
  }
  const { blobs } = report.kinds;
  // Everybody takes it for absent, so nobody has to be given notice; on notice somebody could make it live again.
  if (header.state === 'quarantined') {
    if (!cycle.isOver(found.modifiedMs)) return;
    blobs.removed += 1;
    blobs.removedBytes += header.size;
    if (!dryRun) await content.blobs.remove(digest, found, signal);
    return;
  }
  if (header.state === 'condemned') {
    if (!cycle.isOver(found.modifiedMs)) return;
    blobs.removed += 1;
    blobs.removedBytes += header.size;
    cycle.sweepBlob(header.cycle, digest);
    return;
  }
  blobs.condemned += 1;
  blobs.condemnedBytes += header.size;
  if (dryRun) return;
  const { size, data, verifiedMs } = header;
  await records.replace(digest, found, { size, data, verifiedMs, state: 'condemned', cycle: cycle.id }, signal);
}

function isHeld({ size }: ObjectStat): boolean {
  return size > LONGEST_GONE_BYTES;
}
