import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest } from '#libs/oci';
import { PeerError, type RegionProgress } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import type { Clock, Random } from '#libs/resilience';
import { isStorageError } from '#libs/storage';
import type { RetryRequest } from './control-store.js';
import { CopyRuns } from './copy-runs.js';
import { DirectCopies } from './direct-copies.js';
import type { FailedCopies } from './failed-copies.js';
import { MissingSweep } from './missing-sweep.js';
import { OverdueCopies } from './overdue-copies.js';
import { type CopyHandler, type CopyJob, LATE_PRIORITY, type ReplicationQueue } from './replication-queue.js';
import { SetAsideCopies } from './set-aside-copies.js';
import { type SetAsideLimits, Setbacks } from './setbacks.js';
import type { WaitingEntries } from './waiting-entries.js';

/** A blob's place in the queue by its size: one step per 64 KiB, so that a config never waits behind a layer. */
const BYTES_PER_PRIORITY = 64 * 1024;
const MAX_PRIORITY = 1_000_000;

/** Big blobs of images that clients ask for, copied beside those of the queue. */
const AHEAD_AT_ONCE = 4;

/** Blobs that others seem to have given up, tried here beside those of the queue. */
const OVERDUE_AT_ONCE = 2;

export interface MissingBlobsOptions {
  readonly waiting: WaitingEntries;
  readonly blobs: BlobStore;
  readonly queue: ReplicationQueue;
  /** Brings one blob into the region. */
  readonly copy: CopyHandler;
  /** Blobs of up to this size are copied at once, without the queue. */
  readonly directBytes: number;
  readonly setAside: SetAsideLimits;
  /** Where it is noted what was set aside. */
  readonly failedCopies?: FailedCopies;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether the region may have a blob now; asked before a byte of it is copied. */
  readonly mayHave: (digest: Digest) => boolean;
  /** Nothing keeps this entry waiting any more. */
  readonly onReady: (entry: Entry) => void;
  /** `nowhere`: every region was asked, and none has it. */
  readonly onFailed: (digest: Digest, nowhere: boolean) => void;
  readonly onRetry: (what: string, error: unknown) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Blobs that entries wait for: asked of the queue, and asked again until they are here. The queue may forget whatever it
 * was told; what is missing is a question to the store, and a sweep asks it until the answer is "nothing" (I7).
 */
export class MissingBlobs {
  readonly #setbacks: Setbacks;
  readonly setAside: SetAsideCopies;
  readonly #runs: CopyRuns;
  readonly #direct: DirectCopies;
  readonly #ahead: DirectCopies;
  readonly #overdue: OverdueCopies;
  readonly #retaken: DirectCopies;
  readonly #sweep: MissingSweep;
  /** For each look into the store that is under way, blobs that arrived since it began: what it says of them is outdated. */
  readonly #arrivals = new Set<Set<Digest>>();
  /** Blobs that nothing but a snapshot asked for. */
  readonly #late = new Set<Digest>();

  constructor(private readonly options: MissingBlobsOptions) {
    const { clock, random, waiting, failedCopies: store, setAside: limits, copy, mayHave, onRetry, signal } = options;
    this.#setbacks = new Setbacks({ limits, clock, random });
    const noted = store === undefined ? {} : { store };
    this.setAside = new SetAsideCopies({ setbacks: this.#setbacks, waiting, ...noted, clock, onRetry, signal });
    this.#runs = new CopyRuns({ copy, mayHave, onCopied: (digest) => this.#copied(digest) });
    const common = {
      copy: (job: CopyJob, running: AbortSignal) => this.#runs.run(job, running),
      onFailed: (job: CopyJob, error: Error) => this.#failed(job, error),
      signal,
    };
    this.#direct = new DirectCopies(common);
    this.#ahead = new DirectCopies({ ...common, atOnce: AHEAD_AT_ONCE });
    this.#overdue = new OverdueCopies({ clock, random });
    this.#retaken = new DirectCopies({ ...common, atOnce: OVERDUE_AT_ONCE });
    this.#sweep = new MissingSweep({
      ...{ ...options, setbacks: this.#setbacks },
      isDirect: ({ size }) => size <= options.directBytes && this.pausedSinceMs === undefined,
      request: (blobs) => this.#askAgain(blobs),
      onArrived: (digest) => this.arrived(digest),
    });
  }

  /** Begins to take jobs from the queue. */
  work(concurrency: number): void {
    const handler: CopyHandler = (job, signal) => this.#runs.run(job, signal);
    this.options.queue.work(handler, { concurrency, onFailed: (job, error) => this.#failed(job, error) });
  }

  get pausedSinceMs(): number | undefined {
    return this.#runs.pausedSinceMs;
  }

  /** Copies nothing until it is resumed. What came here in another way is taken note of. */
  pause(sinceMs: number): void {
    this.#runs.pause(sinceMs);
    this.#overdue.clear();
  }

  resume(): void {
    this.#runs.resume();
    this.#sweep.soon();
  }

  /** Tries what was set aside again, now. */
  retry(request: RetryRequest): void {
    this.#setbacks.retry(this.setAside.matching(request));
    this.#sweep.soon();
  }

  /** Copies whose blobs the region may not have any more end now. */
  endForbidden(): void {
    this.#runs.endForbidden();
  }

  /** A job that gave up leaves its blob missing: it is asked for again after a while. */
  #failed(job: CopyJob, error: Error): void {
    const passing = isPassing(error);
    this.#setbacks.add(job, error.message, passing);
    this.#overdue.settled(job.digest);
    this.options.onRetry(`copy of ${job.digest}`, error);
    this.options.onFailed(job.digest, !passing);
  }

  #copied(digest: Digest): void {
    this.#setbacks.worked();
    this.arrived(digest);
  }

  arrived(digest: Digest): void {
    this.#setbacks.clear(digest);
    this.#late.delete(digest);
    this.#overdue.settled(digest);
    for (const arrivals of this.#arrivals) arrivals.add(digest);
    for (const entry of this.options.waiting.blobArrived(digest)) this.options.onReady(entry);
  }

  /**
   * Runs `look`, which asks the store what is there, and then at once `act`, which may ask what came since the look began and
   * did not tell. Of what came before, the look itself tells: it may be gone again.
   */
  async whileLooking<T>(
    look: () => Promise<T>,
    act: (found: T, hasArrived: (digest: Digest) => boolean) => void,
  ): Promise<void> {
    const arrivals = new Set<Digest>();
    this.#arrivals.add(arrivals);
    try {
      act(await look(), (digest) => arrivals.has(digest));
    } finally {
      this.#arrivals.delete(arrivals);
    }
  }

  /**
   * Begins to copy small blobs, and asks the queue for big ones. If it cannot be reached, the sweep asks again. `absentMs`: when
   * they were looked for in vain, if they were.
   */
  async request(blobs: readonly BlobDescriptor[], absentMs?: number): Promise<void> {
    for (const { digest } of blobs) this.#late.delete(digest);
    await this.#add(blobs, absentMs);
  }

  /** The same for blobs that may come after all that are pushed meanwhile. */
  async requestLate(blobs: readonly BlobDescriptor[], absentMs?: number): Promise<void> {
    for (const { digest } of blobs) this.#late.add(digest);
    await this.#add(blobs, absentMs);
  }

  /** Begins to copy what somebody asks for, before all that the queue holds. What fails is asked of the queue by the sweep. */
  requestAhead(blobs: readonly BlobDescriptor[]): void {
    if (this.pausedSinceMs !== undefined) return;
    const { directBytes } = this.options;
    const jobs = blobs.filter(({ digest }) => this.#setbacks.mayTry(digest)).map((blob) => copyJob(blob, false));
    this.#direct.request(jobs.filter((job) => job.size <= directBytes));
    this.#ahead.request(jobs.filter((job) => job.size > directBytes));
  }

  async #add(blobs: readonly BlobDescriptor[], absentMs?: number): Promise<void> {
    if (this.pausedSinceMs !== undefined) return;
    const { queue, directBytes, signal, onRetry } = this.options;
    const jobs = blobs.map((blob) => copyJob(blob, this.#late.has(blob.digest), absentMs));
    this.#direct.request(jobs.filter((job) => job.size <= directBytes));
    const queued = jobs.filter((job) => job.size > directBytes);
    if (queued.length === 0) return;
    this.#overdue.asked(queued);
    try {
      await queue.add(queued, signal);
    } catch (error) {
      signal.throwIfAborted();
      onRetry('adding copy jobs', error);
    }
  }

  /** A blob of which only a hint was heard. Whatever fails here, its entry asks again. */
  async requestEarly(blob: BlobDescriptor): Promise<void> {
    const { blobs, directBytes, signal, onRetry } = this.options;
    try {
      // A small one is looked for by its copy, which costs no job.
      const isSmall = blob.size <= directBytes;
      if (isSmall || (await blobs.stat(blob.digest, signal)) === undefined) await this.request([blob]);
    } catch (error) {
      if (!signal.aborted) onRetry('following a hint', error);
    }
  }

  /** Asks again for what is missing until the replicator stops. */
  keepSweeping(): Promise<void> {
    return this.#sweep.keepSweeping();
  }

  /** Bytes that entries wait for, and the entries whose blobs could not be had, with why. */
  report(): { readonly bytes: number; readonly failed: RegionProgress['failed'] } {
    const { waiting } = this.options;
    const failed = this.#setbacks.all.flatMap(({ blob: { digest }, reason }) =>
      waiting.waitingFor(digest).map((entry) => ({ seq: entry.seq, reason: `${digest}: ${reason}` })),
    );
    return { bytes: waiting.missingBytes, failed };
  }

  async #askAgain(missing: readonly BlobDescriptor[]): Promise<void> {
    await this.#add(missing);
    this.#overdue.forgetUnless((digest) => this.options.waiting.isMissing(digest));
    const blob = this.#retaken.underWay < OVERDUE_AT_ONCE ? this.#overdue.take(missing) : undefined;
    if (blob !== undefined) this.#retaken.request([copyJob(blob, false)]);
  }
}

function copyJob(blob: BlobDescriptor, late: boolean, absentMs?: number): CopyJob {
  const bySize = Math.min(MAX_PRIORITY, 1 + Math.floor(blob.size / BYTES_PER_PRIORITY));
  const priority = late ? LATE_PRIORITY + bySize : bySize;
  return { ...blob, priority, ...(absentMs === undefined ? {} : { absentMs }) };
}

/** Whether a copy failed for something that has nothing to do with its blob. */
function isPassing(error: Error): boolean {
  return (error instanceof PeerError || isStorageError(error)) && error.retryable;
}
