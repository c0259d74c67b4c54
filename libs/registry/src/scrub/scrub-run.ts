import type { Entry, ManifestEntry } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';
import { isStorageError, type ObjectStore } from '#libs/storage';
import type { RegionContent } from '../region-content.js';
import type { Pace } from './pace.js';
import { noteDamage, type ScrubFinding, type ScrubReport } from './scrub-report.js';

/** Fetches right bytes from elsewhere. @returns whether they are here now; false if nobody has them at the moment */
export type RepairBlob = (blob: BlobDescriptor, signal: AbortSignal) => Promise<boolean>;

/** A manifest as another region holds it, with its place; `undefined` if none does, or none answers. */
export type FindManifestElsewhere = (
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
) => Promise<ManifestEntry | undefined>;

/**
 * The entries of the journal after a place, as far as they are known now. @throws JournalError `truncated` if the first of
 * them is gone
 */
export type ReadEntries = (after: number, signal: AbortSignal) => AsyncIterable<Entry>;

/** What hears of a scrub as it goes: for metrics and the log. */
export interface ScrubObserver {
  onSeen(kind: 'blobs' | 'manifests', count: number, bytes: number): void;
  onFinding(finding: Omit<ScrubFinding, 'repaired'>): void;
  onRestored(manifest: { readonly repository: RepositoryName; readonly digest: Digest }): void;
  onUnreadable(key: string, error: unknown): void;
  onFinished(report: ScrubReport): void;
}

/** One scrub under way. */
export interface ScrubRun {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly report: ScrubReport;
  readonly repair: RepairBlob;
  readonly entries: ReadEntries;
  readonly manifestElsewhere: FindManifestElsewhere;
  readonly observer: ScrubObserver;
}

type Finding = Omit<ScrubFinding, 'foundMs' | 'repaired'>;

/** Notes what was found; tells it if it is new. */
export function found(run: ScrubRun, finding: Finding): void {
  const noted = { ...finding, foundMs: run.clock.now() };
  if (noteDamage(run.report, noted)) run.observer.onFinding(noted);
}

/** What the store does not give says nothing of what it holds; the others go on. */
export async function unlessUnreadable(run: ScrubRun, key: string, work: () => Promise<void>, signal: AbortSignal) {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!isStorageError(error)) throw error;
    run.report.unreadable += 1;
    run.observer.onUnreadable(key, error);
  }
}
