import type { Entry, ManifestPut } from '#libs/journal';
import type { Digest } from '#libs/oci';
import type { RegionContent } from '#libs/registry';
import { allEnded, type Clock, type Random } from '#libs/resilience';
import type { Admit, Arrival } from './arrivals.js';
import type { JournalSource } from './journal-source.js';
import type { Selection } from './selection.js';
import { untilDone } from './until-done.js';
import type { WaitingEntries } from './waiting-entries.js';

export interface VanishedBlobsOptions {
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly selection: Selection;
  readonly waiting: WaitingEntries;
  /** Brings what the policy lets the region have, if it may come then. */
  readonly arrive: (arrival: Arrival, admit: Admit) => Promise<unknown>;
  /** The entry's manifest will never be shown: it has left those that wait, and what is to be applied is its deletion. */
  readonly onPassedOver: (entry: Entry, deletion: Entry) => void;
  /** Nothing keeps it waiting any more. */
  readonly onReady: (entry: Entry) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Nobody has a blob that entries wait for. A manifest that a later entry deletes, one that is beyond the window, may have
 * lost it to a collection: then it will never be shown, and where it was put it is deleted at once. A blob that the primary
 * has lost in another way is waited for: its manifest is still shown there.
 */
export class VanishedBlobs {
  /** Blobs that are being asked about. */
  readonly #asking = new Set<Digest>();

  constructor(private readonly options: VanishedBlobsOptions) {}

  async passOver(digest: Digest): Promise<void> {
    if (this.#asking.has(digest)) return;
    this.#asking.add(digest);
    await this.#passOver(digest).finally(() => this.#asking.delete(digest));
  }

  async #passOver(digest: Digest): Promise<void> {
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

  /** What a put leaves behind when its manifest is deleted: as at the primary, as far as the region may have it. */
  async #leaveTraces(entry: ManifestPut & Entry): Promise<void> {
    const { content, selection, arrive, signal } = this.options;
    const { links, catalog } = content;
    const { repository, blobs, seq } = entry;
    const traces: Arrival = { repository };
    const leave = async (): Promise<void> => {
      await allEnded([
        catalog.add(repository, signal),
        ...blobs.map((blob) => links.add(repository, blob.digest, seq, signal)),
      ]);
    };
    const admit = () => (selection.admitted(entry) === undefined ? undefined : leave);
    // What rules that come meanwhile take has to go, though nothing waits for it any more.
    await untilDone(`leaving the traces of entry ${seq}`, () => arrive(traces, admit), this.options);
  }
}

/** The same place in the order, and the same registers, which hold nothing then. */
function deletionOf({ repository, digest, subject, tags, seq, epoch, timeMs }: ManifestPut & Entry): Entry {
  const about = subject === undefined ? {} : { subject };
  return { type: 'manifest.delete', repository, digest, tags, seq, epoch, timeMs, ...about };
}
