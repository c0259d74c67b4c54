import type { Digest } from '#libs/oci';
import { Limiter } from '#libs/resilience';
import { type CopyHandler, type CopyJob, LATE_PRIORITY } from './replication-queue.js';

/** Small copies at once, unless it is said otherwise. They hold little memory, and on a long way it takes many to fill the line. */
const CONCURRENCY = 128;

/** Of those for a snapshot, beside the others: what is pushed meanwhile never waits behind them. */
const LATE_CONCURRENCY = 64;

/** Copies that may wait for their turn; more are left to the sweep, which asks again for whatever is missing. */
const MAX_WAITING = 10_000;

export interface DirectCopiesOptions {
  readonly copy: CopyHandler;
  readonly atOnce?: number;
  readonly onFailed: (job: CopyJob, error: Error) => void;
  /** Aborts when the replicator stops. */
  readonly signal: AbortSignal;
}

/**
 * Copies of blobs that are too small for the queue: telling Redis of one, being told of it and saying that it is done costs
 * more than the copy. They have a lane of their own, so a config never waits behind a layer. Nothing of it outlives the
 * process, and nothing needs to: what is missing is a question to the store.
 */
export class DirectCopies {
  readonly #limiter: Limiter;
  readonly #late: Limiter;
  readonly #underWay = new Set<Digest>();

  constructor(private readonly options: DirectCopiesOptions) {
    this.#limiter = new Limiter(options.atOnce ?? CONCURRENCY);
    this.#late = options.atOnce === undefined ? new Limiter(LATE_CONCURRENCY) : this.#limiter;
  }

  /** How many run or wait for their turn. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Begins to copy what is not under way yet. */
  request(jobs: readonly CopyJob[]): void {
    for (const job of jobs) {
      if (this.#underWay.has(job.digest) || this.#underWay.size >= MAX_WAITING) continue;
      this.#underWay.add(job.digest);
      void this.#run(job);
    }
  }

  async #run(job: CopyJob): Promise<void> {
    const { copy, onFailed, signal } = this.options;
    try {
      const limiter = job.priority >= LATE_PRIORITY ? this.#late : this.#limiter;
      await limiter.run(signal, () => copy(job, signal));
      this.#underWay.delete(job.digest);
    } catch (error) {
      this.#underWay.delete(job.digest);
      if (!signal.aborted) onFailed(job, error as Error);
    }
  }
}
