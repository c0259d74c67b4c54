import type { Digest } from '#libs/oci';
import { Limiter } from '#libs/resilience';
import type { CopyHandler, CopyJob } from './replication-queue.js';

/** Small copies at once, unless it is said otherwise. They hold little memory, and on a long way it takes many to fill the line. */
const CONCURRENCY = 128;

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
  readonly #underWay = new Set<Digest>();

  constructor(private readonly options: DirectCopiesOptions) {
    this.#limiter = new Limiter(options.atOnce ?? CONCURRENCY);
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
      await this.#limiter.run(signal, () => copy(job, signal));
      this.#underWay.delete(job.digest);
    } catch (error) {
      this.#underWay.delete(job.digest);
      if (!signal.aborted) onFailed(job, error as Error);
    }
  }
}
