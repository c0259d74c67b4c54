import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest } from '#libs/oci';
import type { JournalMessage, RegionProgress } from '#libs/peer';
import { applyEntry, type RegionContent } from '#libs/registry';
import { type Clock, exponentialBackoff, Limiter, Notifier, type Random, withDeadline } from '#libs/resilience';
import { AppliedSeqs } from './applied-seqs.js';
import type { JournalSource } from './journal-source.js';
import { findNeeds } from './plan.js';
import type { ProgressStore } from './progress-store.js';
import type { CopyHandler, CopyJob, ReplicationQueue } from './replication-queue.js';
import { Setbacks } from './setbacks.js';
import { WaitingEntries } from './waiting-entries.js';

/** Entries applied at once. */
const APPLY_CONCURRENCY = 16;

/** How often what is still missing is looked for in the store, and asked of the queue again. */
const SWEEP_MS = 2_000;

/** Missing blobs looked at in one sweep; the rest have their turn in the next. */
const SWEEP_BLOBS = 1_000;

/** Progress is stored at most this often; what a crash loses of it is applied again. */
const SAVE_MS = 200;

/** A change is told at once, and those that follow on its heels together. */
const REPORT_MS = 20;

/** A blob's place in the queue by its size: one step per 64 KiB, so that a config never waits behind a layer. */
const BYTES_PER_PRIORITY = 64 * 1024;
const MAX_PRIORITY = 2_000_000;

/** Entries applied beyond the watermark at the most: each is named in every report. Only a stuck entry comes near it. */
const MAX_BEYOND = 10_000;

interface Unreadable {
  readonly reason: string;
  readonly heardMs: number;
}

export interface ReplicatorOptions {
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly queue: ReplicationQueue;
  /** Brings one blob into the region. */
  readonly copy: CopyHandler;
  readonly copyConcurrency: number;
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
  /** Something failed that will be tried again. */
  onRetry(what: string, error: unknown): void;
}

/**
 * Brings a region to the primary's state. It follows the journal, asks the queue for every blob that is missing, and
 * applies each entry as soon as nothing that it needs is missing any more, in whatever order that happens.
 *
 * Nothing of this is only in memory or only in the queue: what is missing is a question to the store, and a sweep asks
 * it again until the answer is "nothing". So a lost job, a lost wake-up or a lost Redis costs time only (I7).
 */
export class Replicator {
  readonly #waiting = new WaitingEntries();
  readonly #setbacks: Setbacks;
  readonly #limiter = new Limiter(APPLY_CONCURRENCY);
  readonly #changed = new Notifier();
  readonly #stopping = new AbortController();
  readonly #pending = new Map<number, Entry>();
  readonly #unreadable = new Map<number, Unreadable>();
  /** Blobs that arrived while an entry was being planned: what the store said of them before is outdated. */
  readonly #arrivals = new Set<Digest>();
  #applied = new AppliedSeqs();
  #generation = '';
  #epoch = 0;
  #head = 0;
  #headTimeMs = 0;
  #heardMs = 0;
  #taken = 0;
  #loops: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ReplicatorOptions) {
    this.#setbacks = new Setbacks(options.clock, options.random);
  }

  /** Reads where the region stands and begins to work. */
  async start(signal: AbortSignal): Promise<void> {
    const stored = await this.options.progress.open(signal);
    this.#applied = new AppliedSeqs(stored.watermark, stored.beyond);
    this.#generation = stored.generation;
    this.#epoch = stored.epoch;
    this.#head = Math.max(stored.head, stored.watermark);
    this.#heardMs = stored.heardMs;
    this.#taken = stored.watermark;
    this.#work();
    this.#loops = Promise.allSettled([this.#follow(), this.#sweep(), this.#save(), this.#report()]);
  }

  /** Ends the work, hands jobs back within `limitMs`, and stores how far it came. */
  async stop(limitMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new Error('the replicator is stopping'));
    await Promise.all([this.options.queue.close(limitMs), this.#loops]);
    if (this.#generation === '') return;
    const { progress, clock } = this.options;
    await withDeadline(new AbortController().signal, limitMs, clock, (signal) =>
      progress.save(this.progress(), signal),
    );
  }

  progress(): RegionProgress {
    const { watermark, beyond } = this.#applied;
    return {
      generation: this.#generation,
      epoch: this.#epoch,
      watermark,
      beyond,
      head: Math.max(this.#head, watermark),
      oldestPendingMs: this.#oldestPendingMs(),
      backlog: { entries: Math.max(0, this.#head - this.#applied.size), bytes: this.#waiting.missingBytes },
      heardMs: this.#heardMs,
      failed: this.#failures(),
    };
  }

  /** A blob is stored here: a job of this process brought it, or another process said so. */
  blobArrived(digest: Digest): void {
    this.#setbacks.clear(digest);
    this.#arrivals.add(digest);
    for (const entry of this.#waiting.blobArrived(digest)) this.#applyInBackground(entry);
  }

  #work(): void {
    const { queue, copy, copyConcurrency, observer } = this.options;
    const handler: CopyHandler = async (job, signal) => {
      await copy(job, signal);
      this.blobArrived(job.digest);
    };
    // A job that gave up leaves its blob missing: it is asked for again after a while.
    const onFailed = (job: CopyJob, error: Error): void => {
      this.#setbacks.add(job.digest, error.message);
      observer.onRetry(`copy of ${job.digest}`, error);
      this.#notify();
    };
    queue.work(handler, { concurrency: copyConcurrency, onFailed });
  }

  async #follow(): Promise<void> {
    const { source, observer, clock, random } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      try {
        for await (const message of source.journal(this.#taken, signal)) {
          attempt = 0;
          this.#heardMs = clock.now();
          await this.#hear(message);
        }
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry('following the journal', error);
      }
      await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 5_000 }, random), signal);
    }
  }

  async #hear(message: JournalMessage): Promise<void> {
    switch (message.kind) {
      case 'head':
        this.#refuseEarlierEpoch(message.epoch);
        this.#head = Math.max(this.#head, message.seq);
        this.#headTimeMs = message.timeMs;
        return this.#notify();
      case 'hint':
        return this.#copyEarly(message.blob);
      case 'unreadable':
        return this.#setAside(message.seq, message.reason);
      case 'entry':
        return this.#take(message.entry);
    }
  }

  /** An entry that this release cannot read keeps its place: the watermark stays below it, and others go on. */
  async #setAside(seq: number, reason: string): Promise<void> {
    await this.#untilItsTurn(seq);
    this.#unreadable.set(seq, { reason, heardMs: this.#heardMs });
    this.#taken = seq;
    this.#notify();
  }

  /** Plans one entry. Waits while the window is full, and so holds the stream back. */
  async #take(entry: Entry): Promise<void> {
    this.#refuseEarlierEpoch(entry.epoch);
    await this.#untilItsTurn(entry.seq);
    this.#epoch = entry.epoch;
    if (!this.#applied.has(entry.seq)) await this.#plan(entry);
    this.#taken = entry.seq;
  }

  async #plan(entry: Entry): Promise<void> {
    const { content } = this.options;
    this.#arrivals.clear();
    const needs = await findNeeds(content, entry, this.#stopping.signal);
    this.#pending.set(entry.seq, entry);
    // What came while the store was looked into would not tell again.
    const current = needs.filter((need) =>
      need.kind === 'blob' ? !this.#arrivals.has(need.blob.digest) : this.#isPending(need.repository, need.digest),
    );
    if (current.length === 0) {
      // Deletes are applied before what follows is planned; puts may overtake each other.
      const applying = this.#applyInBackground(entry);
      if (entry.type !== 'manifest.put') await applying;
      return;
    }
    this.#waiting.add(entry, current);
    this.#notify();
    await this.#request(current.flatMap((need) => (need.kind === 'blob' ? [need.blob] : [])));
  }

  #isPending(repository: string, digest: Digest): boolean {
    for (const entry of this.#pending.values()) {
      if (entry.type === 'manifest.put' && entry.repository === repository && entry.digest === digest) return true;
    }
    return false;
  }

  async #copyEarly(blob: BlobDescriptor): Promise<void> {
    if (this.#pending.size >= this.options.windowEntries) return;
    const found = await this.options.content.blobs.stat(blob.digest, this.#stopping.signal);
    if (found === undefined) await this.#request([blob]);
  }

  /** Asks the queue for blobs. If it cannot be reached, the sweep asks again. */
  async #request(blobs: readonly BlobDescriptor[]): Promise<void> {
    if (blobs.length === 0) return;
    try {
      await this.options.queue.add(blobs.map(copyJob), this.#stopping.signal);
    } catch (error) {
      this.#stopping.signal.throwIfAborted();
      this.options.observer.onRetry('adding copy jobs', error);
    }
  }

  #applyInBackground(entry: Entry): Promise<void> {
    const applying = this.#apply(entry);
    // It only rejects when the replicator stops.
    applying.catch(() => undefined);
    return applying;
  }

  async #apply(entry: Entry): Promise<void> {
    const { content, clock, random, observer } = this.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#limiter.run(signal, () => applyEntry(content, entry, signal));
        break;
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry(`applying entry ${entry.seq}`, error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 100, capMs: 10_000 }, random), signal);
      }
    }
    this.#pending.delete(entry.seq);
    this.#applied.add(entry.seq);
    observer.onApplied(entry);
    this.#notify();
    for (const next of this.#released(entry)) this.#applyInBackground(next);
  }

  /** Entries that wait for nothing any more, now that `entry` was applied. */
  #released(entry: Entry): readonly Entry[] {
    if (entry.type === 'manifest.put') return this.#waiting.manifestSettled(entry.repository, entry.digest);
    if (entry.type === 'manifest.delete') return this.#waiting.overtaken(entry.repository, entry.digest, entry.seq);
    return [];
  }

  /** Looks into the store for what entries wait for; what is still missing is asked for again. */
  async #sweep(): Promise<void> {
    const { clock, content, observer } = this.options;
    const { signal } = this.#stopping;
    for (;;) {
      await clock.sleep(SWEEP_MS, signal);
      try {
        const missing: BlobDescriptor[] = [];
        for (const blob of this.#someMissingBlobs()) {
          if ((await content.blobs.stat(blob.digest, signal)) !== undefined) this.blobArrived(blob.digest);
          else if (this.#setbacks.mayTry(blob.digest)) missing.push(blob);
        }
        await this.#request(missing);
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry('looking for what is missing', error);
      }
    }
  }

  #someMissingBlobs(): readonly BlobDescriptor[] {
    const blobs = [...this.#waiting.missingBlobs];
    if (blobs.length <= SWEEP_BLOBS) return blobs;
    const start = Math.floor(this.options.random.next() * blobs.length);
    return [...blobs.slice(start), ...blobs.slice(0, start)].slice(0, SWEEP_BLOBS);
  }

  async #save(): Promise<void> {
    const { clock, progress, observer } = this.options;
    const { signal } = this.#stopping;
    for (let saved = ''; ; ) {
      const { version } = this.#changed;
      // That the primary was heard again is no reason to write: an idle region leaves its store alone.
      const standing = `${this.#epoch} ${this.#applied.size} ${this.#head}`;
      if (saved === standing) {
        await this.#changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
        continue;
      }
      try {
        await progress.save(this.progress(), signal);
        saved = standing;
      } catch (error) {
        signal.throwIfAborted();
        observer.onRetry('storing the progress', error);
      }
      await clock.sleep(SAVE_MS, signal);
    }
  }

  async #untilItsTurn(seq: number): Promise<void> {
    if (seq !== this.#taken + 1) throw new Error(`entry ${seq} came after entry ${this.#taken}`);
    this.#head = Math.max(this.#head, seq);
    for (;;) {
      const { version } = this.#changed;
      if (this.#hasRoom()) return;
      const { clock } = this.options;
      const { signal } = this.#stopping;
      await this.#changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    }
  }

  #hasRoom(): boolean {
    const unapplied = this.#pending.size + this.#unreadable.size;
    return unapplied < this.options.windowEntries && this.#applied.beyondCount < MAX_BEYOND;
  }

  /** An entry that was announced and has not come is pending as well: no lag of 0 while something is missing (I15). */
  #oldestPendingMs(): number | undefined {
    const times = [...this.#pending.values()].map((entry) => entry.timeMs);
    for (const { heardMs } of this.#unreadable.values()) times.push(heardMs);
    if (this.#head > this.#taken && this.#headTimeMs > 0) times.push(this.#headTimeMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The reign of an earlier primary is over; nothing of it is believed any more (I12). */
  #refuseEarlierEpoch(epoch: number): void {
    if (epoch < this.#epoch) throw new Error(`epoch ${epoch} is over, this is epoch ${this.#epoch}`);
  }

  #failures(): RegionProgress['failed'] {
    const stuck = this.#setbacks
      .list()
      .flatMap(({ digest, reason }) =>
        this.#waiting.waitingFor(digest).map((entry) => ({ seq: entry.seq, reason: `${digest}: ${reason}` })),
      );
    const unreadable = [...this.#unreadable].map(([seq, { reason }]) => ({ seq, reason }));
    return [...unreadable, ...stuck].sort((a, b) => a.seq - b.seq).slice(-100);
  }

  async #report(): Promise<void> {
    const { clock, observer } = this.options;
    const { signal } = this.#stopping;
    for (;;) {
      const { version } = this.#changed;
      observer.onProgress(this.progress());
      await clock.sleep(REPORT_MS, signal);
      await this.#changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
    }
  }

  #notify(): void {
    this.#changed.notify();
  }
}

function copyJob(blob: BlobDescriptor): CopyJob {
  return { ...blob, priority: Math.min(MAX_PRIORITY, 1 + Math.floor(blob.size / BYTES_PER_PRIORITY)) };
}
