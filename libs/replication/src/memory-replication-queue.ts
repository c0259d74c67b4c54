import type { Digest } from '#libs/oci';
import { type Clock, exponentialBackoff, Notifier, type Random } from '#libs/resilience';
import type { CopyHandler, CopyJob, ReplicationQueue } from './replication-queue.js';

/** Tries before a job is handed back as failed. */
const ATTEMPTS = 3;

/** The jobs that the handles of one queue share: what Redis is for the driver on BullMQ. */
export class MemoryQueueJobs {
  readonly waiting = new Map<Digest, CopyJob>();
  readonly active = new Set<Digest>();
  readonly changed = new Notifier();

  add(job: CopyJob): void {
    if (this.waiting.has(job.digest) || this.active.has(job.digest)) return;
    this.waiting.set(job.digest, job);
    this.changed.notify();
  }

  /** Takes the job with the lowest priority number, the oldest of equals. */
  take(): CopyJob | undefined {
    const [next] = [...this.waiting.values()].sort((a, b) => a.priority - b.priority);
    if (next === undefined) return undefined;
    this.waiting.delete(next.digest);
    this.active.add(next.digest);
    return next;
  }

  end(job: CopyJob): void {
    this.active.delete(job.digest);
    this.changed.notify();
  }

  /** Forgets every job that is not running. */
  lose(): void {
    this.waiting.clear();
  }
}

/** The replication queue in one process: for tests and for a cluster that is simulated in one. */
export class MemoryReplicationQueue implements ReplicationQueue {
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>[] = [];
  #limit = Number.POSITIVE_INFINITY;
  #begin: ((worker: number) => Promise<void>) | undefined;

  constructor(
    private readonly jobs: MemoryQueueJobs,
    private readonly options: { readonly clock: Clock; readonly random: Random },
  ) {}

  async add(jobs: readonly CopyJob[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (const job of jobs) this.jobs.add(job);
  }

  work(
    handler: CopyHandler,
    options: { readonly concurrency: number; readonly onFailed: (job: CopyJob, error: Error) => void },
  ): void {
    this.#begin = (worker) => this.#worker(worker, handler, options.onFailed);
    this.limit(Math.min(options.concurrency, this.#limit));
  }

  limit(concurrency: number): void {
    this.#limit = concurrency;
    const begin = this.#begin;
    while (begin !== undefined && this.#loops.length < concurrency) {
      this.#loops.push(begin(this.#loops.length).catch(() => undefined));
    }
    this.jobs.changed.notify();
  }

  async counts(
    signal: AbortSignal,
  ): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }> {
    signal.throwIfAborted();
    return { waiting: this.jobs.waiting.size, active: this.jobs.active.size, delayed: 0 };
  }

  async close(_limitMs: number): Promise<void> {
    this.#stopping.abort(new Error('the queue is closing'));
    await Promise.all(this.#loops);
  }

  async #worker(worker: number, handler: CopyHandler, onFailed: (job: CopyJob, error: Error) => void): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.#stopping;
    for (;;) {
      signal.throwIfAborted();
      const { version } = this.jobs.changed;
      const job = worker < this.#limit ? this.jobs.take() : undefined;
      if (job === undefined) {
        await this.jobs.changed.waitFor(version, { limitMs: Number.POSITIVE_INFINITY, clock, signal });
        continue;
      }
      await this.#run(job, handler, onFailed);
    }
  }

  async #run(job: CopyJob, handler: CopyHandler, onFailed: (job: CopyJob, error: Error) => void): Promise<void> {
    const { clock, random } = this.options;
    const { signal } = this.#stopping;
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await handler(job, signal);
        } catch (error) {
          if (signal.aborted) throw error;
          if (attempt + 1 >= ATTEMPTS) return onFailed(job, error as Error);
          await clock.sleep(exponentialBackoff(attempt, { baseMs: 50, capMs: 1_000 }, random), signal);
        }
      }
    } finally {
      this.jobs.end(job);
      // What was stopped is handed back.
      if (signal.aborted) this.jobs.add(job);
    }
  }
}
