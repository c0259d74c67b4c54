import { type Entry, JournalError, type ManifestEntry } from '#libs/journal';
import { type Digest, digestAlgorithm, digestOf, type RepositoryName } from '#libs/oci';
import type { ScrubRun } from './scrub-run.js';

interface Lost {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** The entry that made it, if that can still be read. */
  readonly seq: number | undefined;
}

/**
 * What a manifest that cannot be read any more was made by: from the journal, or, where that does not tell any more, as another
 * region holds it; `undefined` if nobody says.
 */
export async function lostEntry(run: ScrubRun, lost: Lost, signal: AbortSignal): Promise<ManifestEntry | undefined> {
  const told = await fromJournal(run, lost, signal);
  if (told !== undefined) return told;
  const held = await run.manifestElsewhere(lost.repository, lost.digest, signal);
  // One that is behind would put back what was deleted since.
  return held !== undefined && isOf(held, lost) && held.seq >= (lost.seq ?? 0) ? held : undefined;
}

async function fromJournal(run: ScrubRun, lost: Lost, signal: AbortSignal): Promise<ManifestEntry | undefined> {
  let last: ManifestEntry | undefined;
  try {
    // Not even its place is known: only the whole journal tells what came last.
    for await (const entry of run.entries(lost.seq === undefined ? 0 : lost.seq - 1, signal)) {
      if (isOf(entry, lost)) last = entry;
      if (lost.seq !== undefined) break;
    }
    return last;
  } catch (error) {
    if (error instanceof JournalError && error.code === 'truncated') return undefined;
    throw error;
  }
}

function isOf(entry: Entry, { repository, digest }: Lost): entry is ManifestEntry {
  if (entry.type === 'manifest.delete') return entry.repository === repository && entry.digest === digest;
  if (entry.type !== 'manifest.put') return false;
  const same = entry.repository === repository && entry.digest === digest;
  return same && digestOf(Buffer.from(entry.content), digestAlgorithm(digest)) === digest;
}
