import type { Entry, SnapshotHeader } from '#libs/journal';
import type { BootstrapProgress } from '#libs/peer';
import type { RegionContent } from '#libs/registry';
import { type Clock, exponentialBackoff, type Random, untilAborted } from '#libs/resilience';
import { Bootstrap, type BootstrapOptions } from './bootstrap.js';
import type { JournalSource } from './journal-source.js';
import type { MissingBlobs } from './missing-blobs.js';
import type { PolicyEnforcer } from './policy-enforcer.js';
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
  readonly waiting: WaitingEntries;
  readonly missing: MissingBlobs;
  readonly pulled: PulledImages;
  /** Resolves when the primary was heard, and what its policy is: nothing may be taken without knowing that. */
  readonly introduced: Promise<void>;
  /** Nothing keeps it waiting any more. */
  readonly onReady: (entry: Entry) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/** Fills a region with what the journal does not tell any more, from the primary's newest snapshot. */
export class RegionFilling {
  #bootstrap: Bootstrap | undefined;
  /** What is being taken in, the journal behind it being followed besides. */
  #filled: Promise<void> = Promise.resolve();

  constructor(private readonly options: RegionFillingOptions) {}

  /** Manifests of a snapshot on their way in: what they name is needed. */
  get underWay(): readonly Entry[] {
    return this.#bootstrap?.underWay ?? [];
  }

  /** Resolves when nothing is being taken in any more. */
  get filled(): Promise<void> {
    return this.#filled;
  }

  /** It waits for nothing any more. @returns false if the entry is none of a snapshot's */
  release(entry: Entry): boolean {
    return this.#bootstrap?.release(entry) === true;
  }

  /** It was deleted after the snapshot. @returns false if the entry is none of a snapshot's */
  passOver(entry: Entry): boolean {
    return this.#bootstrap?.passOver(entry) === true;
  }

  /** A new region, and one that was taking in a snapshot, begin with what the primary has of that. */
  async begin(stored: BootstrapProgress | undefined): Promise<void> {
    const { clock, random, onRetry, standing, signal } = this.options;
    for (let attempt = 0; stored !== undefined || standing().isFresh; attempt += 1) {
      try {
        if ((await this.start(stored)) || stored === undefined) break;
        throw new Error('the primary has no snapshot any more');
      } catch (error) {
        signal.throwIfAborted();
        onRetry('looking for a snapshot', error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
      }
    }
  }

  /** Takes in the newest snapshot, beside the journal behind it. @returns false if there is none to take */
  async start(stored?: BootstrapProgress): Promise<boolean> {
    const { source, standing, signal } = this.options;
    const header = await source.snapshots?.newest(signal);
    if (header === undefined || header.position.seq <= standing().taken) return false;
    const { seq, timeMs } = header.position;
    const [images, bytes] = [
      { done: 0, total: header.images },
      { done: 0, total: header.bytes },
    ];
    standing().beginFilling({ seq, images, bytes, estimateSeconds: undefined }, timeMs, stored?.tail ?? 0);
    this.#filled = this.#fill(header);
    this.#filled.catch(() => undefined);
    return true;
  }

  /** The same at once, of a region that only lacks what the journal does not tell any more. @returns the snapshot's place */
  async refill(): Promise<number> {
    await this.#filled;
    const header = await this.options.source.snapshots?.newest(this.options.signal);
    if (header === undefined) throw new Error('the journal was cut, and there is no snapshot');
    await this.#takeIn(header, () => undefined);
    return header.position.seq;
  }

  async #fill(first: SnapshotHeader): Promise<void> {
    const { source, standing, introduced, signal } = this.options;
    await untilAborted(introduced, signal);
    let header: SnapshotHeader | undefined = first;
    const fill = async (): Promise<void> => {
      const current: SnapshotHeader | undefined = header ?? (await source.snapshots?.newest(signal));
      header = undefined;
      if (current === undefined) throw new Error('there is no snapshot any more');
      await this.#takeIn(current, (progress) => standing().fill(progress));
    };
    await untilDone('filling the region from a snapshot', fill, this.options);
    this.#end();
  }

  async #takeIn(header: SnapshotHeader, onProgress: BootstrapOptions['onProgress']): Promise<void> {
    const { source, content, waiting, missing, selection, pulled, enforcer, onReady } = this.options;
    if (source.snapshots === undefined) throw new Error('there are no snapshots here');
    const { clock, random, onRetry, signal } = this.options;
    this.#bootstrap = new Bootstrap(header, {
      ...{ snapshots: source.snapshots, content, missing, waiting, selection, pulled },
      ...{ clock, random, signal, onRetry, onProgress },
      // What became too old leaves when all is here: children come before what leads to them.
      alone: (entry, apply) => enforcer.alone(entry, apply),
      onApplied: (entry) => waiting.applied(entry).forEach(onReady),
    });
    await this.#bootstrap.run();
    this.#bootstrap = undefined;
    await enforcer.trim();
  }

  /** What neither the snapshot nor an entry has brought is not waited for any more. */
  #end(): void {
    const { standing, waiting, onReady } = this.options;
    standing().endFilling();
    for (const { repository, digest } of waiting.missingManifests) {
      if (!standing().isComing(repository, digest)) waiting.manifestSettled(repository, digest).forEach(onReady);
    }
  }
}
