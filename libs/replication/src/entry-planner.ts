import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest } from '#libs/oci';
import type { RegionContent } from '#libs/registry';
import { type Clock, Limiter, type Random } from '#libs/resilience';
import type { MissingBlobs } from './missing-blobs.js';
import { findNeeds } from './plan.js';
import type { RegionStanding } from './region-standing.js';
import type { Selection } from './selection.js';
import { untilDone } from './until-done.js';
import type { Need, WaitingEntries } from './waiting-entries.js';

/** Entries whose needs are looked up in the store at once. */
const PLAN_CONCURRENCY = 32;

export interface EntryPlannerOptions {
  readonly content: RegionContent;
  readonly selection: Selection;
  readonly standing: () => RegionStanding;
  readonly waiting: WaitingEntries;
  readonly missing: MissingBlobs;
  /** Nothing keeps it waiting. */
  readonly onReady: (entry: Entry) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** How the needs of an entry were found. */
interface Planned {
  /** By the policy of that place in the journal. */
  readonly under: number;
  /** When the store was asked for them. */
  readonly lookedMs: number;
}

/** Finds out what entries need that is not here, lets them wait for it, and asks for it. */
export class EntryPlanner {
  readonly #limiter = new Limiter(PLAN_CONCURRENCY);
  readonly #planning = new Set<Promise<void>>();
  readonly #planned = new WeakMap<Entry, Planned>();

  constructor(private readonly options: EntryPlannerOptions) {}

  plan(entry: Entry): void {
    const { signal } = this.options;
    const work = (): Promise<void> => this.#limiter.run(signal, () => this.#once(entry));
    const planning = untilDone(`planning entry ${entry.seq}`, work, this.options)
      .catch(() => undefined) // It only rejects when the replicator stops.
      .finally(() => this.#planning.delete(planning));
    this.#planning.add(planning);
  }

  /**
   * Whether another policy came since, so that the entry may need what was not looked for; or so much time passed that what was
   * here may be gone: of an entry that waits only the process that took it up knows what it needs, and another may collect.
   */
  isOutdated(entry: Entry): boolean {
    const { selection, content } = this.options;
    const planned = this.#planned.get(entry);
    if (planned === undefined) return false;
    return planned.under !== selection.placed.seq || !content.blobs.isSureSince(planned.lookedMs);
  }

  /** Resolves when all that was begun is planned. */
  async settled(): Promise<void> {
    await Promise.all(this.#planning);
  }

  async #once(entry: Entry): Promise<void> {
    const { missing, clock } = this.options;
    const blobs: BlobDescriptor[] = [];
    const lookedMs = clock.monotonic();
    await missing.whileLooking(
      () => this.#needsOf(entry),
      (needs, hasArrived) => blobs.push(...this.#await(entry, needs, hasArrived)),
    );
    await missing.request(blobs, lookedMs);
  }

  async #needsOf(entry: Entry): Promise<readonly Need[]> {
    const { content, selection, clock, signal } = this.options;
    this.#planned.set(entry, { under: selection.placed.seq, lookedMs: clock.monotonic() });
    const admitted = selection.admitted(entry);
    if (admitted?.type !== 'manifest.put') return [];
    // What is taken up once more is so because something is not as it should be, whatever came here a moment ago.
    const isFirst = !this.options.standing().isTakenAgain(entry.seq);
    const isSurelyHere = (blob: Digest): boolean => isFirst && content.blobs.lately.has(blob);
    return findNeeds(content, admitted, signal, selection.wantedBlobs(admitted), isSurelyHere);
  }

  /** Lets the entry wait for what it needs, or says that it is ready. @returns the blobs that it waits for */
  #await(entry: Entry, needs: readonly Need[], hasArrived: (digest: Digest) => boolean): readonly BlobDescriptor[] {
    const { waiting, standing, onReady } = this.options;
    // What came while the store was looked into would not tell again.
    const current = needs.filter((need) =>
      need.kind === 'blob' ? !hasArrived(need.blob.digest) : standing().isComing(need.repository, need.digest),
    );
    if (current.length === 0) {
      onReady(entry);
      return [];
    }
    waiting.add(entry, current);
    standing().changed.notify();
    return current.flatMap((need) => (need.kind === 'blob' ? [need.blob] : []));
  }
}
