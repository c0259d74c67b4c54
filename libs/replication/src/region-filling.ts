import type { Entry, SnapshotHeader } from '#libs/journal';
import type { BootstrapProgress } from '#libs/peer';
import type { RegionContent } from '#libs/registry';
import { type Clock, exponentialBackoff, type Random, untilAborted } from '#libs/resilience';
import { Bootstrap, type BootstrapOptions } from './bootstrap.js';
import type { JournalSource } from './journal-source.js';
import type { MissingBlobs } from './missing-blobs.js';
import type { PolicyEnforcer } from './policy-enforcer.js';
import type { ProgressStore } from './progress-store.js';
import type { PulledImages } from './pulled-images.js';
import type { RegionStanding } from './region-standing.js';
import type { Selection } from './selection.js';
import { untilDone } from './until-done.js';
import type { WaitingEntries } from './waiting-entries.js';

export interface RegionFillingOptions {
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly selection: Selection;
  readonly enforcer: PolicyEnforcer;
  readonly standing: () => RegionStanding;
  readonly progress: Pick<ProgressStore, 'beginAt'>;
  readonly waiting: WaitingEntries;
  readonly missing: MissingBlobs;
  readonly pulled: PulledImages;
  /** Resolves when the primary was heard, and what its policy is: nothing may be taken without knowing that. */
  readonly introduced: Promise<void>;
  /** Lets go of entries up to that place, for these come with a snapshot. Resolves when none of them is under way any more. */
  readonly letGo: (place: number, superseded: AbortSignal) => Promise<void>;
  /** Nothing keeps it waiting any more. */
  readonly onReady: (entry: Entry) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** A snapshot, and the place that the journal is followed from besides. */
interface Taking {
  readonly header: SnapshotHeader;
  readonly followedFrom: number;
}

/** Fills a region with what the journal does not tell any more, from the primary's newest snapshot. */
export class RegionFilling {
  /** Snapshots that are being taken in: for a new region, and for rules that give back what the journal does not tell any more. */
  readonly #bootstraps = new Set<Bootstrap>();
  /** What is being taken in, the journal being followed besides, and what has to be taken in then. */
  #taking: Taking | undefined;
  #next: SnapshotHeader | undefined;
  #filled: Promise<void> = Promise.resolve();

  constructor(private readonly options: RegionFillingOptions) {}

  /** Manifests of a snapshot on their way in: what they name is needed. */
  get underWay(): readonly Entry[] {
    return [...this.#bootstraps].flatMap(({ underWay }) => underWay);
  }

  /** Resolves when nothing is being taken in any more. */
  get filled(): Promise<void> {
    return this.#filled;
  }

  /** It waits for nothing any more. @returns false if the entry is none of a snapshot's */
  release(entry: Entry): boolean {
    return [...this.#bootstraps].some((bootstrap) => bootstrap.release(entry));
  }

  /** It was deleted after the snapshot. @returns false if the entry is none of a snapshot's */
  passOver(entry: Entry): boolean {
    return [...this.#bootstraps].some((bootstrap) => bootstrap.passOver(entry));
  }

  /** A new region, and one that was taking in a snapshot, begin with what the primary has of that. */
  async begin(stored: BootstrapProgress | undefined): Promise<void> {
    const { clock, random, onRetry, standing, signal } = this.options;
    for (let attempt = 0; stored !== undefined || standing().isFresh; attempt += 1) {
      try {
        if ((await this.start(0)) || (stored === undefined && (await this.#beginsWithTheJournal()))) break;
        throw new Error('the primary has no snapshot any more');
      } catch (error) {
        signal.throwIfAborted();
        onRetry('looking for a snapshot', error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
      }
    }
  }

  /**
   * Takes in the newest snapshot, beside the journal from where the region's processes began to follow it.
   * @param least the journal can be followed from here
   * @returns false if there is none to take
   */
  async start(least: number): Promise<boolean> {
    const { source, standing, progress, signal } = this.options;
    const header = await source.snapshots?.newest(signal);
    if (header === undefined || header.position.seq <= standing().taken) return false;
    const { seq, timeMs } = header.position;
    const { place } = await progress.beginAt(seq, least, signal);
    standing().beginFilling(nothingOf(header), timeMs, place);
    if (this.#taking === undefined) {
      this.#taking = { header, followedFrom: place };
      this.#filled = this.#fill(header);
      this.#filled.catch(() => undefined);
    } else if (this.#taking.header.position.seq < seq || this.#taking.followedFrom < place) this.#next = header;
    return true;
  }

  /** Where there is no snapshot: whether no other process of the region has begun with one. */
  async #beginsWithTheJournal(): Promise<boolean> {
    const { source, progress, signal } = this.options;
    return source.snapshots === undefined || (await progress.beginAt(0, 0, signal)).followedFrom === 0;
  }

  /**
   * The same at once, of a region that only lacks what the journal does not tell any more.
   * @param superseded aborts when that is not wanted any more, or the replicator stops
   * @returns the snapshot's place
   */
  async refill(superseded: AbortSignal): Promise<number> {
    await untilAborted(this.#filled, superseded);
    const header = await this.options.source.snapshots?.newest(superseded);
    if (header === undefined) throw new Error('the journal was cut, and there is no snapshot');
    await this.#takeIn({ header, followedFrom: this.options.standing().tail }, () => undefined, superseded);
    this.#settle();
    return header.position.seq;
  }

  /** The region is filled when the last of them is taken in that were asked for meanwhile. */
  async #fill(first: SnapshotHeader): Promise<void> {
    await untilAborted(this.options.introduced, this.options.signal);
    for (let header: SnapshotHeader | undefined = first; header !== undefined; header = this.#next) {
      this.#next = undefined;
      await this.#fillWith(header);
    }
    this.#taking = undefined;
    this.options.standing().endFilling();
    this.#settle();
  }

  async #fillWith(first: SnapshotHeader): Promise<void> {
    const { source, standing, signal } = this.options;
    let header: SnapshotHeader | undefined = first;
    const fill = async (): Promise<void> => {
      const current: SnapshotHeader | undefined = header ?? (await source.snapshots?.newest(signal));
      header = undefined;
      if (current === undefined) throw new Error('there is no snapshot any more');
      this.#taking = { header: current, followedFrom: standing().tail };
      standing().fill(nothingOf(current));
      await this.#takeIn(this.#taking, (progress) => standing().fill(progress), signal);
    };
    await untilDone('filling the region from a snapshot', fill, this.options);
  }

  async #takeIn(
    { header, ...taking }: Taking,
    onProgress: BootstrapOptions['onProgress'],
    superseded: AbortSignal,
  ): Promise<void> {
    const { source, content, waiting, missing, selection, pulled, enforcer, letGo, onReady } = this.options;
    if (source.snapshots === undefined) throw new Error('there are no snapshots here');
    const { clock, random, onRetry, signal } = this.options;
    const followedFrom = Math.min(taking.followedFrom, header.position.seq);
    await letGo(followedFrom, superseded);
    const bootstrap = new Bootstrap(header, {
      ...{ snapshots: source.snapshots, followedFrom, content, missing, waiting, selection, pulled },
      ...{ clock, random, superseded, signal, onRetry, onProgress },
      onPolicy: (placed) => enforcer.hear(placed),
      // What became too old leaves when all is here: children come before what leads to them.
      arrive: (arrival, admit) => enforcer.arrive(arrival, admit),
      onApplied: (entry) => waiting.applied(entry).forEach(onReady),
    });
    this.#bootstraps.add(bootstrap);
    try {
      await bootstrap.run();
    } finally {
      this.#bootstraps.delete(bootstrap);
    }
    await enforcer.trim();
  }

  /** What neither the snapshot nor an entry has brought is not waited for any more. */
  #settle(): void {
    const { standing, waiting, onReady } = this.options;
    for (const { repository, digest } of waiting.missingManifests) {
      if (!standing().isComing(repository, digest)) waiting.manifestSettled(repository, digest).forEach(onReady);
    }
  }
}

function nothingOf({ position, images, bytes }: SnapshotHeader): Omit<BootstrapProgress, 'tail'> {
  const none = { images: { done: 0, total: images }, bytes: { done: 0, total: bytes } };
  return { seq: position.seq, ...none, estimateSeconds: undefined };
}
