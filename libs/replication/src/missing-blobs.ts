import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest } from '#libs/oci';
import { PeerError, type RegionProgress } from '#libs/peer';
import type { BlobStore } from '#libs/registry';
import type { Clock, Random } from '#libs/resilience';
import { isStorageError } from '#libs/storage';
import type { CopyHandler, CopyJob, ReplicationQueue } from './replication-queue.js';
import { Setbacks } from './setbacks.js';
import type { WaitingEntries } from './waiting-entries.js';

/** How often what is still missing is looked for in the store, and asked of the queue again. */
const SWEEP_MS = 2_000;

/** Missing blobs looked at in one sweep; the rest have their turn in the next. */
const SWEEP_BLOBS = 1_000;

/** A blob's place in the queue by its size: one step per 64 KiB, so that a config never waits behind a layer. */
const BYTES_PER_PRIORITY = 64 * 1024;
const MAX_PRIORITY = 2_000_000;

export interface MissingBlobsOptions {
  readonly waiting: WaitingEntries;
  readonly blobs: BlobStore;
  readonly queue: ReplicationQueue;
  readonly clock: Clock;
  readonly random: Random;
  /** Nothing keeps this entry waiting any more. */
  readonly onReady: (entry: Entry) => void;
  readonly onFailed: () => void;
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
  /** Blobs that arrived since {@link forgetArrivals}: what the store said of them before is outdated. */
  readonly #arrivals = new Set<Digest>();

  constructor(private readonly options: MissingBlobsOptions) {
    this.#setbacks = new Setbacks(options.clock, options.random);
  }

  /** Begins to take jobs from the queue. */
  work(copy: CopyHandler, concurrency: number): void {
    const handler: CopyHandler = async (job, signal) => {
      await copy(job, signal);
      this.arrived(job.digest);
    };
    // A job that gave up leaves its blob missing: it is asked for again after a while.
    const onFailed = (job: CopyJob, error: Error): void => {
      this.#setbacks.add(job.digest, error.message, isPassing(error));
      this.options.onRetry(`copy of ${job.digest}`, error);
      this.options.onFailed();
    };
    this.options.queue.work(handler, { concurrency, onFailed });
  }

  arrived(digest: Digest): void {
    this.#setbacks.clear(digest);
    this.#arrivals.add(digest);
    for (const entry of this.options.waiting.blobArrived(digest)) this.options.onReady(entry);
  }

  forgetArrivals(): void {
    this.#arrivals.clear();
  }

  hasArrived(digest: Digest): boolean {
    return this.#arrivals.has(digest);
  }

  /** Asks the queue for blobs. If it cannot be reached, the sweep asks again. */
  async request(blobs: readonly BlobDescriptor[]): Promise<void> {
    if (blobs.length === 0) return;
    const { queue, signal, onRetry } = this.options;
    try {
      await queue.add(blobs.map(copyJob), signal);
    } catch (error) {
      signal.throwIfAborted();
      onRetry('adding copy jobs', error);
    }
  }

  /** A blob of which only a hint was heard. */
  async requestEarly(blob: BlobDescriptor): Promise<void> {
    const found = await this.options.blobs.stat(blob.digest, this.options.signal);
    if (found === undefined) await this.request([blob]);
  }

  /** Sweeps until the replicator stops. */
  async keepSweeping(): Promise<void> {
    const { clock, signal, onRetry } = this.options;
    for (;;) {
      await clock.sleep(SWEEP_MS, signal);
      try {
        await this.#sweep();
      } catch (error) {
        signal.throwIfAborted();
        onRetry('looking for what is missing', error);
      }
    }
  }

  /** Bytes that entries wait for, and the entries whose blobs could not be had, with why. */
  report(): { readonly bytes: number; readonly failed: RegionProgress['failed'] } {
    const { waiting } = this.options;
    const failed = this.#setbacks
      .list()
      .flatMap(({ digest, reason }) =>
        waiting.waitingFor(digest).map((entry) => ({ seq: entry.seq, reason: `${digest}: ${reason}` })),
      );
    return { bytes: waiting.missingBytes, failed };
  }

  async #sweep(): Promise<void> {
    const { blobs, signal } = this.options;
    const missing: BlobDescriptor[] = [];
    for (const blob of this.#someMissing()) {
      if ((await blobs.stat(blob.digest, signal)) !== undefined) this.arrived(blob.digest);
      else if (this.#setbacks.mayTry(blob.digest)) missing.push(blob);
    }
    await this.request(missing);
  }

  #someMissing(): readonly BlobDescriptor[] {
    const blobs = [...this.options.waiting.missingBlobs];
    if (blobs.length <= SWEEP_BLOBS) return blobs;
    const start = Math.floor(this.options.random.next() * blobs.length);
    return [...blobs.slice(start), ...blobs.slice(0, start)].slice(0, SWEEP_BLOBS);
  }
}

function copyJob(blob: BlobDescriptor): CopyJob {
  return { ...blob, priority: Math.min(MAX_PRIORITY, 1 + Math.floor(blob.size / BYTES_PER_PRIORITY)) };
}

/** Whether a copy failed for something that has nothing to do with its blob. */
function isPassing(error: Error): boolean {
  return (error instanceof PeerError || isStorageError(error)) && error.retryable;
}
