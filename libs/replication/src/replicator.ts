import type { Entry } from '#libs/journal';
import type { Digest } from '#libs/oci';
import type { RegionProgress } from '#libs/peer';
import type { RetryRequest } from './control-store.js';
import { EntryApplier } from './entry-applier.js';
import { EntryPlanner } from './entry-planner.js';
import { JournalFollower } from './journal-follower.js';
import { MissingBlobs } from './missing-blobs.js';
import { PolicyEnforcer } from './policy-enforcer.js';
import { freshProgress } from './progress-store.js';
import { ProgressTeller } from './progress-teller.js';
import { type ImageName, PulledImages } from './pulled-images.js';
import { RegionFilling } from './region-filling.js';
import { RegionStanding } from './region-standing.js';
import type { ReplicatorOptions } from './replicator-options.js';
import { Selection } from './selection.js';
import { VanishedBlobs } from './vanished-blobs.js';
import { WaitingEntries } from './waiting-entries.js';

/** Some minutes of failing, and an outage that is no usual one. */
const SET_ASIDE = { failures: 5, afterMs: 60 * 60_000 };

/** Entries beyond the window at the most, for those that wait for what was set aside. */
const MAX_EXCUSED = 10_000;

/** A job for so little costs more than the copy (ADR 0009). */
const DIRECT_BYTES = 256 * 1024;

/** How operators want a region to copy, just now. */
export interface Steering {
  readonly pausedSinceMs?: number;
  /** Of all copies; kept by whoever copies, and only said here. */
  readonly bytesPerSecond?: number;
  /** Copies of big blobs at once. */
  readonly copies?: number;
}

/**
 * Brings a region to the primary's state. It follows the journal, asks the queue for every blob that is missing, and
 * applies each entry as soon as nothing that it needs is missing any more, in whatever order that happens. This file only
 * puts the parts together: an entry goes from {@link JournalFollower} to {@link EntryPlanner}, waits in
 * {@link WaitingEntries} for what {@link MissingBlobs} asks for, and ends in {@link EntryApplier}.
 *
 * Nothing of this is only in memory or only in the queue: a lost job, a lost wake-up or a lost Redis costs time only (I7).
 */
export class Replicator {
  readonly #stopping = new AbortController();
  readonly #waiting = new WaitingEntries();
  readonly #pulled = new PulledImages();
  readonly #missing: MissingBlobs;
  readonly #enforcer: PolicyEnforcer;
  readonly #planner: EntryPlanner;
  readonly #applier: EntryApplier;
  readonly #filling: RegionFilling;
  readonly #follower: JournalFollower;
  #standing = new RegionStanding(freshProgress(''));
  #steering: Steering = {};
  #teller: ProgressTeller | undefined;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ReplicatorOptions) {
    const { region, source, content, queue, copy, observer, clock, random } = options;
    const { signal } = this.#stopping;
    const waiting = this.#waiting;
    const selection = new Selection(region);
    const standing = (): RegionStanding => this.#standing;
    const onRetry = (what: string, error: unknown): void => observer.onRetry(what, error);
    const onReady = (entry: Entry): void => this.#ready(entry);
    const common = { source, content, selection, standing, waiting, onReady, onRetry, clock, random, signal };
    const vanished = new VanishedBlobs({
      ...common,
      arrive: (arrival, admit) => this.#enforcer.arrive(arrival, admit),
      onPassedOver: (...passed) => this.#passedOver(...passed),
    });
    const missing = new MissingBlobs({
      ...{ ...common, queue, copy, blobs: content.blobs, directBytes: options.directBytes ?? DIRECT_BYTES },
      setAside: options.setAside ?? SET_ASIDE,
      ...(options.failedCopies === undefined ? {} : { failedCopies: options.failedCopies }),
      mayHave: (digest) => !selection.rules.restricts || waiting.isMissing(digest),
      onFailed: (digest, nowhere) => {
        this.#standing.changed.notify();
        if (nowhere) void vanished.passOver(digest);
      },
    });
    const window = (): number => this.#window();
    const enforcer = new PolicyEnforcer({
      ...{ ...common, window },
      replan: () => this.#replan(),
      refill: (superseded) => this.#filling.refill(superseded),
      takeAgain: (entry) => this.#takeAgain(entry),
    });
    const planner = new EntryPlanner({ ...common, missing });
    const onApplied = (entry: Entry): void => waiting.applied(entry).forEach(onReady);
    const applier = new EntryApplier({ ...common, enforcer, planner, observer, onApplied });
    let onIntroduced = (): void => undefined;
    const introduced = new Promise<void>((resolve) => {
      onIntroduced = resolve;
    });
    const filling = new RegionFilling({
      ...{ ...common, enforcer, missing, introduced },
      ...{ progress: options.progress, pulled: this.#pulled },
      letGo: (place, superseded) => this.#letGo(place, superseded),
    });
    const parts = { enforcer, missing, planner, applier, filling };
    this.#follower = new JournalFollower({ ...common, ...parts, window, onIntroduced });
    this.#missing = missing;
    this.#enforcer = enforcer;
    this.#planner = planner;
    this.#applier = applier;
    this.#filling = filling;
  }

  /** Reads where the region stands and begins to work. */
  async start(signal: AbortSignal): Promise<void> {
    const { progress, clock, observer, copyConcurrency } = this.options;
    const stored = await progress.open(signal);
    this.#standing = new RegionStanding(stored);
    await this.#enforcer.open(signal);
    await this.#missing.setAside.open(signal);
    this.#teller = new ProgressTeller({
      standing: this.#standing,
      current: () => this.progress(),
      store: progress,
      clock,
      onProgress: (now) => observer.onProgress(now),
      onRetry: (what, error) => observer.onRetry(what, error),
      signal: this.#stopping.signal,
    });
    this.#missing.work(copyConcurrency);
    this.#steered();
    this.#loops = Promise.all([
      this.#keep(
        'following the primary',
        this.#enforcer.resume().then(() => this.#run(stored)),
      ),
      this.#keep('looking for what is missing', this.#missing.keepSweeping()),
      this.#keep('noting what was set aside', this.#missing.setAside.keepNoting()),
      this.#keep('storing how far the region is', this.#teller.keepSaving()),
      this.#keep('telling how far the region is', this.#teller.keepReporting()),
    ]);
  }

  /** What goes on until the replicator stops. Should it end before, all else goes on without it, and somebody has to know. */
  async #keep(what: string, loop: Promise<void>): Promise<void> {
    try {
      await loop;
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.options.observer.onRetry(what, error);
    }
  }

  /** Ends the work, hands jobs back within `limitMs`, and stores how far it came. */
  async stop(limitMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error('the replicator is stopping'));
    await Promise.all([this.options.queue.close(limitMs), this.#loops, this.#enforcer.ended()]);
    await this.#teller?.saveLast(limitMs);
  }

  progress(): RegionProgress {
    return { ...this.#standing.progress(this.#missing.report()), ...this.#saidOfSteering() };
  }

  /** Does what operators want from now on; before {@link start} too. */
  steer(steering: Steering): void {
    this.#steering = steering;
    if (this.#teller !== undefined) this.#steered();
  }

  /** Tries copies again that were set aside. */
  retry(request: RetryRequest): void {
    this.#missing.retry(request);
  }

  /** Entries that are known here and not applied: what they name is needed. */
  pending(): readonly Entry[] {
    return [...this.#standing.pending, ...this.#filling.underWay];
  }

  /** A blob is stored here: a job of this process brought it, or another process said so. */
  blobArrived(digest: Digest): void {
    this.#missing.arrived(digest);
  }

  /** A client asks for an image that is not here yet: it comes before all others. */
  imagePulled(image: ImageName): void {
    this.#pulled.pulled(image);
    this.#missing.requestAhead(this.#waiting.missingOf(image));
  }

  #window(): number {
    return this.options.windowEntries + Math.min(MAX_EXCUSED, this.#missing.setAside.entries);
  }

  #steered(): void {
    const { queue, copyConcurrency } = this.options;
    const { pausedSinceMs, copies = copyConcurrency } = this.#steering;
    queue.limit(Math.min(copies, copyConcurrency));
    if (pausedSinceMs !== this.#missing.pausedSinceMs) {
      if (pausedSinceMs === undefined) this.#missing.resume();
      else this.#missing.pause(pausedSinceMs);
    }
    this.#standing.changed.notify();
  }

  #saidOfSteering(): Pick<RegionProgress, 'pausedSinceMs' | 'limit' | 'setAside'> {
    const { pausedSinceMs, bytesPerSecond, copies } = this.#steering;
    const setAside = this.#missing.setAside.count;
    const limit = {
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(copies === undefined ? {} : { copies }),
    };
    return {
      ...(pausedSinceMs === undefined ? {} : { pausedSinceMs }),
      ...(Object.keys(limit).length === 0 ? {} : { limit }),
      ...(setAside === 0 ? {} : { setAside }),
    };
  }

  /**
   * Applies an entry of the past once more, as far as the policy lets the region have it and as soon as all that it needs is
   * here. Resolves when it is applied; it goes on when `signal` aborts.
   */
  async applyAgain(entry: Entry, signal: AbortSignal): Promise<void> {
    const standing = this.#standing;
    const isFree = (): boolean => !standing.isUnderWay(entry.seq);
    const hasRoom = (): boolean => standing.hasRoom(this.#window());
    // Another one may have waited for the same place.
    do await this.#until(() => isFree() && hasRoom(), signal);
    while (!isFree());
    this.#takeAgain(entry);
    await this.#until(isFree, signal);
  }

  async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const { changed } = this.#standing;
    for (;;) {
      const { version } = changed;
      if (condition()) return;
      await changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock: this.options.clock, signal });
    }
  }

  async #run(stored: RegionProgress): Promise<void> {
    await this.#filling.begin(stored.bootstrap);
    await Promise.all([this.#follower.follow(), this.#filling.filled]);
  }

  /** Nothing keeps the entry waiting any more. */
  #ready(entry: Entry): void {
    // It only rejects when the replicator stops.
    if (!this.#filling.release(entry)) this.#applier.apply(entry).catch(() => undefined);
  }

  #passedOver(entry: Entry, deletion: Entry): void {
    if (this.#filling.passOver(entry)) return;
    // While that is being applied an index may be planned, which would wait for what nobody tells of any more.
    this.#standing.replace(deletion);
    this.#applier.apply(deletion).catch(() => undefined);
  }

  /** By another policy entries need other things. Resolves when nothing is under way that began under the old one. */
  async #replan(): Promise<void> {
    await this.#planner.settled();
    const begun = this.#applier.underWay;
    for (const entry of this.#waiting.drain()) {
      if (!this.#filling.release(entry)) this.#planner.plan(entry);
    }
    await this.#planner.settled();
    this.#missing.endForbidden();
    await Promise.all(begun);
  }

  /**
   * What is in effect of the entries up to `place` comes with a snapshot, and what deleted the others may never come: whichever of them
   * waits is let go of. Resolves when none is under way any more, but sweeps: those wait for the snapshot.
   */
  async #letGo(place: number, superseded: AbortSignal): Promise<void> {
    const standing = this.#standing;
    const passed = (): readonly Entry[] =>
      standing.pending.filter(({ seq, type }) => seq <= place && type !== 'blobs.sweep');
    await this.#until(() => {
      for (const entry of passed()) if (this.#waiting.leave(entry)) standing.leave(entry.seq);
      return passed().length === 0;
    }, superseded);
  }

  /** An entry of the past, of which the policy gives something back. */
  #takeAgain(entry: Entry): void {
    if (this.#standing.isUnderWay(entry.seq)) return;
    this.#standing.beginAgain(entry);
    this.#planner.plan(entry);
  }
}
