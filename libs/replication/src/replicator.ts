import type { RegionName } from '#libs/geo';
import type { Entry, ManifestPut, SnapshotHeader } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import { type BootstrapProgress, type JournalMessage, PeerError, type RegionProgress } from '#libs/peer';
import { applyEntry, type RegionContent } from '#libs/registry';
import { type Clock, exponentialBackoff, Limiter, type Random, untilAborted } from '#libs/resilience';
import { Bootstrap, type BootstrapOptions } from './bootstrap.js';
import type { JournalSource } from './journal-source.js';
import { MissingBlobs } from './missing-blobs.js';
import { findNeeds } from './plan.js';
import { PolicyEnforcer } from './policy-enforcer.js';
import { freshProgress, type ProgressStore } from './progress-store.js';
import { ProgressTeller } from './progress-teller.js';
import { RegionStanding } from './region-standing.js';
import type { CopyHandler, ReplicationQueue } from './replication-queue.js';
import { Selection } from './selection.js';
import { type Need, WaitingEntries } from './waiting-entries.js';

/** Entries applied at once. */
const APPLY_CONCURRENCY = 32;

/** Entries whose needs are looked up in the store at once. */
const PLAN_CONCURRENCY = 32;

/** Hints that are followed at once; more are let go, for their entries will ask. */
const MAX_HINTS = 256;

/** A job for so little costs more than the copy (ADR 0009). */
const DIRECT_BYTES = 256 * 1024;

export interface ReplicatorOptions {
  /** The replica, whose share the policy says; the primary has everything. */
  readonly region?: RegionName;
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly queue: ReplicationQueue;
  /** Brings one blob into the region. */
  readonly copy: CopyHandler;
  /** Of those that the queue hands out. */
  readonly copyConcurrency: number;
  /** Blobs of up to this size are copied at once, without the queue. */
  readonly directBytes?: number;
  readonly progress: ProgressStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Entries planned and not applied, at the most: bounds memory and Redis, whatever the backlog. */
  readonly windowEntries: number;
  readonly observer: ReplicatorObserver;
}

/** What the replicator tells the outside: for metrics, logs and the other processes of the region. */
export interface ReplicatorObserver {
  onProgress(progress: RegionProgress): void;
  onApplied(entry: Entry): void;
  /** Something failed that will be tried again; `entry`: it was the applying of that one. */
  onRetry(what: string, error: unknown, entry?: Entry): void;
}

/**
 * Brings a region to the primary's state. It follows the journal, asks the queue for every blob that is missing, and
 * applies each entry as soon as nothing that it needs is missing any more, in whatever order that happens.
 *
 * Nothing of this is only in memory or only in the queue: a lost job, a lost wake-up or a lost Redis costs time only (I7).
 */
export class Replicator {
  readonly #waiting = new WaitingEntries();
  readonly #limiter = new Limiter(APPLY_CONCURRENCY);
  readonly #planLimiter = new Limiter(PLAN_CONCURRENCY);
  readonly #planning = new Set<Promise<void>>();
  #hints = 0;
  readonly #stopping = new AbortController();
  readonly #missing: MissingBlobs;
  readonly #selection: Selection;
  readonly #enforcer: PolicyEnforcer;
  readonly #applying = new Set<Promise<void>>();
  #standing = new RegionStanding(freshProgress(''));
  #teller: ProgressTeller | undefined;
  #loops: Promise<unknown> = Promise.resolve();
  #bootstrap: Bootstrap | undefined;
  #introduce: () => void = () => undefined;
  /** The primary's first head was heard, and the policy, which comes before it: nothing may be taken without knowing that. */
  readonly #introduced = new Promise<void>((resolve) => {
    this.#introduce = resolve;
  });
  #filled: Promise<void> = Promise.resolve();

  constructor(private readonly options: ReplicatorOptions) {
    const { region, content, queue, copy, directBytes = DIRECT_BYTES, clock, random, observer } = options;
    this.#selection = new Selection(region);
    this.#missing = new MissingBlobs({
      waiting: this.#waiting,
      blobs: content.blobs,
      queue,
      copy,
      mayHave: (digest) => !this.#selection.rules.restricts || this.#waiting.isMissing(digest),
      directBytes,
      clock,
      random,
      onReady: (entry) => this.#ready(entry),
      onFailed: (digest, nowhere) => {
        this.#standing.changed.notify();
        if (nowhere) void this.#passOver(digest);
      },
      onRetry: (what, error) => observer.onRetry(what, error),
      signal: this.#stopping.signal,
    });
    this.#enforcer = new PolicyEnforcer({
      source: options.source,
      content,
      selection: this.#selection,
      standing: () => this.#standing,
      replan: () => this.#replan(),
      refill: () => this.#refill(),
      takeAgain: (entry) => this.#takeAgain(entry),
      windowEntries: options.windowEntries,
      clock,
      random,
      onRetry: (what, error) => observer.onRetry(what, error),
      signal: this.#stopping.signal,
    });
  }

  /** Reads where the region stands and begins to work. */
  async start(signal: AbortSignal): Promise<void> {
    const { progress, clock, observer, copyConcurrency } = this.options;
    const stored = await progress.open(signal);
    this.#standing = new RegionStanding(stored);
    await this.#enforcer.open(signal);
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
    this.#loops = Promise.allSettled([
      this.#enforcer.resume().then(() => this.#begin(stored.bootstrap)),
      this.#missing.keepSweeping(),
      this.#teller.keepSaving(),
      this.#teller.keepReporting(),
    ]);
  }

  /** Ends the work, hands jobs back within `limitMs`, and stores how far it came. */
  async stop(limitMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error('the replicator is stopping'));
    await Promise.all([this.options.queue.close(limitMs), this.#loops, this.#enforcer.ended()]);
    await this.#teller?.saveLast(limitMs);
  }

  progress(): RegionProgress {
    return this.#standing.progress(this.#missing.report());
  }

  /** Entries that are known here and not applied: what they name is needed. */
  pending(): readonly Entry[] {
    return [...this.#standing.pending, ...(this.#bootstrap?.underWay ?? [])];
  }

  /** A blob is stored here: a job of this process brought it, or another process said so. */
  blobArrived(digest: Digest): void {
    this.#missing.arrived(digest);
  }

  /** A new region, and one that was taking in a snapshot, begin with what the primary has of that. */
  async #begin(stored: BootstrapProgress | undefined): Promise<void> {
    const { clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; stored !== undefined || this.#standing.isFresh; attempt += 1) {
      try {
        if ((await this.#startFilling(stored)) || stored === undefined) break;
        throw new Error('the primary has no snapshot any more');
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry('looking for a snapshot', error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
      }
    }
    await Promise.all([this.#follow(), this.#filled]);
  }

  /** Takes in the newest snapshot, beside the journal behind it. @returns false if there is none to take */
  async #startFilling(stored?: BootstrapProgress): Promise<boolean> {
    const header = await this.options.source.snapshots?.newest(this.#stopping.signal);
    if (header === undefined || header.position.seq <= this.#standing.taken) return false;
    const { seq, timeMs } = header.position;
    const [images, bytes] = [
      { done: 0, total: header.images },
      { done: 0, total: header.bytes },
    ];
    const tail = stored?.tail ?? 0;
    this.#standing.beginFilling({ seq, images, bytes, estimateSeconds: undefined }, timeMs, tail);
    this.#filled = this.#fill(header);
    this.#filled.catch(() => undefined);
    return true;
  }

  async #fill(first: SnapshotHeader): Promise<void> {
    const { source, clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    await untilAborted(this.#introduced, signal);
    for (let header: SnapshotHeader | undefined = first; ; ) {
      try {
        header ??= await source.snapshots?.newest(signal);
        if (header === undefined) throw new Error('there is no snapshot any more');
        await this.#takeIn(header, (progress) => this.#standing.fill(progress));
        return this.#endFilling();
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry('filling the region from a snapshot', error);
        header = undefined;
        await clock.sleep(exponentialBackoff(3, { baseMs: 100, capMs: 5_000 }, random), signal);
      }
    }
  }

  async #takeIn(header: SnapshotHeader, onProgress: BootstrapOptions['onProgress']): Promise<void> {
    const { source, content, clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    if (source.snapshots === undefined) throw new Error('there are no snapshots here');
    this.#bootstrap = new Bootstrap(header, {
      ...{ content, clock, random, signal, onProgress, snapshots: source.snapshots },
      ...{ missing: this.#missing, waiting: this.#waiting, selection: this.#selection },
      // What became too old leaves when all is here: children come before what leads to them.
      alone: (entry, apply) => this.#enforcer.alone(entry, apply),
      onRetry: (what, error) => observer.onRetry(what, error),
      onApplied: (entry) => this.#readyAll(this.#released(entry)),
    });
    await this.#bootstrap.run();
    this.#bootstrap = undefined;
    await this.#enforcer.trim();
  }

  /** What the journal does not tell any more, from the newest snapshot. @returns the place of that */
  async #refill(): Promise<number> {
    await this.#filled;
    const header = await this.options.source.snapshots?.newest(this.#stopping.signal);
    if (header === undefined) throw new Error('the journal was cut, and there is no snapshot');
    await this.#takeIn(header, () => undefined);
    return header.position.seq;
  }

  /** What neither the snapshot nor an entry has brought is not waited for any more. */
  #endFilling(): void {
    this.#standing.endFilling();
    for (const { repository, digest } of this.#waiting.missingManifests) {
      if (!this.#isComing(repository, digest)) this.#readyAll(this.#waiting.manifestSettled(repository, digest));
    }
  }

  #readyAll(entries: readonly Entry[]): void {
    for (const entry of entries) this.#ready(entry);
  }

  async #follow(): Promise<void> {
    const { source, observer, clock, random } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      try {
        for await (const message of source.journal(this.#standing.taken, signal)) {
          attempt = 0;
          this.#standing.heard(clock.now());
          await this.#hear(message);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof PeerError && error.code === 'gone' && (await this.#startFilling())) continue;
        observer.onRetry('following the journal', error);
      }
      await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
    }
  }

  async #hear(message: JournalMessage): Promise<void> {
    switch (message.kind) {
      case 'head':
        this.#introduce();
        this.#standing.refuseEarlierEpoch(message.epoch);
        return this.#standing.announce(message);
      case 'policy':
        return this.#enforcer.adopt(message);
      case 'hint':
        // Of which repository it is nobody says.
        if (this.#selection.rules.restricts) return;
        if (this.#standing.hasRoom(this.options.windowEntries)) this.#followHint(message.blob);
        return;
      case 'unreadable':
        await this.#untilItsTurn(message.seq);
        return this.#standing.setAside(message.seq, message.reason);
      case 'entry':
        return this.#take(message.entry);
    }
  }

  #followHint(blob: BlobDescriptor): void {
    if (this.#hints >= MAX_HINTS) return;
    this.#hints += 1;
    void this.#missing.requestEarly(blob).finally(() => {
      this.#hints -= 1;
    });
  }

  /**
   * Takes up one entry. Waits while the window is full, and so holds the stream back. Puts are planned together, for they may
   * overtake each other; a delete is planned alone: what came before it is planned by then, and it is applied before what
   * follows.
   */
  async #take(entry: Entry): Promise<void> {
    this.#standing.refuseEarlierEpoch(entry.epoch);
    await this.#untilItsTurn(entry.seq);
    if (this.#standing.isApplied(entry.seq)) return this.#standing.take(entry.seq);
    if (entry.type !== 'manifest.put') await Promise.all(this.#planning);
    this.#standing.begin(entry);
    this.#standing.take(entry.seq);
    if (entry.type === 'policy.put') await this.#enforcer.adopt(entry);
    if (entry.type !== 'manifest.put') return this.#applyInBackground(entry);
    this.#planInBackground(entry);
  }

  #planInBackground(entry: Entry): void {
    const planning = this.#planUntilDone(entry)
      .catch(() => undefined) // It only rejects when the replicator stops.
      .finally(() => this.#planning.delete(planning));
    this.#planning.add(planning);
  }

  async #untilItsTurn(seq: number): Promise<void> {
    const { clock, windowEntries } = this.options;
    const { signal } = this.#stopping;
    this.#standing.expect(seq);
    for (;;) {
      const { version } = this.#standing.changed;
      if (this.#standing.hasRoom(windowEntries)) return;
      await this.#standing.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    }
  }

  async #planUntilDone(entry: Entry): Promise<void> {
    const { clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#planLimiter.run(signal, () => this.#plan(entry));
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry(`planning entry ${entry.seq}`, error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
      }
    }
  }

  async #plan(entry: Entry): Promise<void> {
    const blobs: BlobDescriptor[] = [];
    await this.#missing.whileLooking(
      () => this.#needsOf(entry),
      (needs) => blobs.push(...this.#await(entry, needs)),
    );
    await this.#missing.request(blobs);
  }

  async #needsOf(entry: Entry): Promise<readonly Need[]> {
    const admitted = this.#selection.admitted(entry);
    if (admitted?.type !== 'manifest.put') return [];
    const wanted = this.#selection.wantedBlobs(admitted);
    return findNeeds(this.options.content, admitted, this.#stopping.signal, wanted);
  }

  /** By another policy entries need other things. Resolves when nothing is under way that began under the old one. */
  async #replan(): Promise<void> {
    await Promise.all(this.#planning);
    const begun = [...this.#applying];
    for (const entry of this.#waiting.drain()) {
      if (this.#bootstrap?.release(entry) !== true) this.#planInBackground(entry);
    }
    await Promise.all(this.#planning);
    this.#missing.endForbidden();
    await Promise.all(begun);
  }

  /** An entry of the past, of which the policy gives something back. */
  #takeAgain(entry: Entry): void {
    if (this.#standing.isUnderWay(entry.seq)) return;
    this.#standing.beginAgain(entry);
    this.#planInBackground(entry);
  }

  /** Lets the entry wait for what it needs, or applies it. @returns the blobs that it waits for */
  #await(entry: Entry, needs: readonly Need[]): readonly BlobDescriptor[] {
    // What came while the store was looked into would not tell again.
    const current = needs.filter((need) =>
      need.kind === 'blob' ? !this.#missing.hasArrived(need.blob.digest) : this.#isComing(need.repository, need.digest),
    );
    if (current.length === 0) {
      void this.#applyInBackground(entry);
      return [];
    }
    this.#waiting.add(entry, current);
    this.#standing.changed.notify();
    return current.flatMap((need) => (need.kind === 'blob' ? [need.blob] : []));
  }

  /** Whether a manifest that is not here may still come: by an entry, or with the snapshot that is being taken in. */
  #isComing(repository: RepositoryName, digest: Digest): boolean {
    return this.#standing.isFilling || this.#standing.isPending(repository, digest);
  }

  /** Nothing keeps the entry waiting any more. */
  #ready(entry: Entry): void {
    if (this.#bootstrap?.release(entry) !== true) this.#applyInBackground(entry);
  }

  #applyInBackground(entry: Entry): Promise<void> {
    const applying = this.#apply(entry);
    const settled = applying
      .catch(() => undefined) // It only rejects when the replicator stops.
      .finally(() => this.#applying.delete(settled));
    this.#applying.add(settled);
    return applying;
  }

  /**
   * Nobody has a blob that entries wait for. A manifest that a later entry deletes, one that is beyond the window, may have
   * lost it to a collection: then it will never be shown, and where it was put it is deleted at once. A blob that the primary
   * has lost in another way is waited for: its manifest is still shown there.
   */
  async #passOver(digest: Digest): Promise<void> {
    const { source, content, observer } = this.options;
    const { signal } = this.#stopping;
    for (const entry of this.#waiting.waitingFor(digest)) {
      if (entry.type !== 'manifest.put') continue;
      try {
        if (!(await source.isDeleted(entry, signal))) continue;
        // What a put leaves behind when its manifest is deleted: as at the primary.
        await Promise.all([
          content.catalog.add(entry.repository, signal),
          ...entry.blobs.map((blob) => content.links.add(entry.repository, blob.digest, entry.seq, signal)),
        ]);
      } catch (error) {
        if (!signal.aborted) observer.onRetry(`asking for the manifest of entry ${entry.seq}`, error);
        return;
      }
      if (!this.#waiting.leave(entry)) continue;
      if (this.#bootstrap?.passOver(entry) !== true) void this.#applyInBackground(deletionOf(entry));
      this.#readyAll(this.#waiting.manifestSettled(entry.repository, entry.digest));
    }
  }

  async #apply(entry: Entry): Promise<void> {
    await this.#applyUntilDone(entry);
    this.#standing.apply(entry.seq);
    this.options.observer.onApplied(entry);
    this.#readyAll(this.#released(entry));
  }

  async #applyUntilDone(entry: Entry): Promise<void> {
    const { content, clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#limiter.run(signal, () =>
          this.#enforcer.alone(entry, async () => {
            const admitted = this.#selection.admitted(entry);
            if (admitted !== undefined) await applyEntry(content, admitted, signal);
          }),
        );
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry(`applying entry ${entry.seq}`, error, entry);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 10_000 }, random), signal);
      }
    }
  }

  /** Entries that wait for nothing any more, now that `entry` was applied. */
  #released(entry: Entry): readonly Entry[] {
    if (entry.type === 'manifest.put') return this.#waiting.manifestSettled(entry.repository, entry.digest);
    if (entry.type === 'manifest.delete') return this.#waiting.overtaken(entry.repository, entry.digest, entry.seq);
    return [];
  }
}

/** The same place in the order, and the same registers, which hold nothing then. */
function deletionOf({ repository, digest, subject, tags, seq, epoch, timeMs }: ManifestPut & Entry): Entry {
  const about = subject === undefined ? {} : { subject };
  return { type: 'manifest.delete', repository, digest, tags, seq, epoch, timeMs, ...about };
}
