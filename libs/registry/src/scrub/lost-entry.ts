import type { Entry, ManifestDelete, ManifestPut } from '#libs/journal';
import { type Digest, digestAlgorithm, digestOf, type RepositoryName } from '#libs/oci';
import type { ScrubRun } from './scrub-run.js';

/** What a manifest that cannot be read any more was made by. */
export type LostEntry = (ManifestPut | ManifestDelete) & { readonly seq: number };

interface Lost {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** The entry that made it, if that can still be read. */
  readonly seq: number | undefined;
}

/** The entry that a damaged manifest was made by, from the journal; `undefined` if the journal does not say. */
export async function lostEntry(run: ScrubRun, lost: Lost, signal: AbortSignal): Promise<LostEntry | undefined> {
  let last: LostEntry | undefined;
  // Not even its place is known: only the whole journal tells what came last.
  for await (const entry of run.entries(lost.seq === undefined ? 0 : lost.seq - 1, signal)) {
    if (isOf(entry, lost)) last = entry;
    if (lost.seq !== undefined) break;
  }
  return last;
}

function isOf(entry: Entry, { repository, digest }: Lost): entry is Entry & LostEntry {
  if (entry.type === 'manifest.delete') return entry.repository === repository && entry.digest === digest;
  if (entry.type !== 'manifest.put') return false;
  const same = entry.repository === repository && entry.digest === digest;
  return same && digestOf(Buffer.from(entry.content), digestAlgorithm(digest)) === digest;
}
