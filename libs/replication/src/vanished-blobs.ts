import type { Entry, ManifestPut } from '#libs/journal';
import type { Digest } from '#libs/oci';
import type { RegionContent } from '#libs/registry';
import type { JournalSource } from './journal-source.js';
import type { WaitingEntries } from './waiting-entries.js';

export interface VanishedBlobsOptions {
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly waiting: WaitingEntries;
  /** The entry's manifest will never be shown: it has left those that wait, and what is to be applied is its deletion. */
  readonly onPassedOver: (entry: Entry, deletion: Entry) => void;
  /** Nothing keeps it waiting any more. */
  readonly onReady: (entry: Entry) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Nobody has a blob that entries wait for. A manifest that a later entry deletes, one that is beyond the window, may have
 * lost it to a collection: then it will never be shown, and where it was put it is deleted at once. A blob that the primary
 * has lost in another way is waited for: its manifest is still shown there.
 */
export class VanishedBlobs {
  constructor(private readonly options: VanishedBlobsOptions) {}

  async passOver(digest: Digest): Promise<void> {
    const { source, waiting, onPassedOver, onReady, onRetry, signal } = this.options;
    for (const entry of waiting.waitingFor(digest)) {
      if (entry.type !== 'manifest.put') continue;
      try {
        if (!(await source.isDeleted(entry, signal))) continue;
        await this.#leaveTraces(entry);
      } catch (error) {
        if (!signal.aborted) onRetry(`asking for the manifest of entry ${entry.seq}`, error);
        return;
      }
      if (!waiting.leave(entry)) continue;
      onPassedOver(entry, deletionOf(entry));
      waiting.manifestSettled(entry.repository, entry.digest).forEach(onReady);
    }
  }

  /** What a put leaves behind when its manifest is deleted: as at the primary. */
  async #leaveTraces({ repository, blobs, seq }: ManifestPut & Entry): Promise<void> {
    const { content, signal } = this.options;
    await Promise.all([
      content.catalog.add(repository, signal),
      ...blobs.map((blob) => content.links.add(repository, blob.digest, seq, signal)),
    ]);
  }
}

/** The same place in the order, and the same registers, which hold nothing then. */
function deletionOf({ repository, digest, subject, tags, seq, epoch, timeMs }: ManifestPut & Entry): Entry {
  const about = subject === undefined ? {} : { subject };
  return { type: 'manifest.delete', repository, digest, tags, seq, epoch, timeMs, ...about };
}
