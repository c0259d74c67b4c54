import { type Job, Queue, UnrecoverableError, WaitingError, type Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { RegionName } from '#libs/geo';
import type { CopyHandler, CopyJob, ReplicationQueue } from '#libs/replication';
import { anySignal, type Clock, withDeadline } from '#libs/resilience';
import { copyJobData, copyJobId, parseCopyJobData } from './copy-job-data.js';
import { CopyWorker } from './copy-worker.js';

const QUEUE = 'copy';

/** A client's push never waits for Redis, and the planner comes back by itself: better to fail soon than to hang. */
const COMMAND_LIMIT_MS = 5_000;

/** Jobs in one round trip. */
const BULK = 500;

/**
 * A killed worker's job is taken over after this long. The lock is renewed at half of it, so the event loop must never be
 * blocked for as long; hashing happens in chunks of well under a millisecond.
 */
const LOCK_MS = 6_000;
const STALLED_CHECK_MS = 2_000;

/**
 * Where nobody asked for anything for a while, nobody waits for a job that stalled either, and it is looked for less often:
 * whoever lacks a blob asks for it again every two seconds, and with that the looks are quick again, at once.
 */
const IDLE_STALLED_CHECK_MS = 30_000;
const IDLE_AFTER_MS = 20_000;

/** How long one wait for a job may take: Redis answers as soon as there is one. */
const DRAIN_SECONDS = 30;

/** A worker that dies is no reason to give a job up: what is missing stays missing. */
const MAX_STALLED = 1_000_000;

/** Tries before the job is handed back to the planner as failed, which will plan it again. */
const ATTEMPTS = 5;

export interface BullReplicationQueueOptions {
  readonly redisUrl: string;
  readonly region: RegionName;
  readonly clock: Clock;
  /** Connection troubles, which BullMQ and ioredis recover from by themselves. */
  readonly onError: (error: Error) => void;
}

/**
 * The replication queue on BullMQ: a queue of its own per region. Every job that ends is removed, whether it succeeded or
 * not, because an id that is kept swallows the next add; what failed is remembered by the planner, not here.
 */
export class BullReplicationQueue implements ReplicationQueue {
  readonly #queue: Queue;
  readonly #connections: Redis[] = [];
  readonly #stopping = new AbortController();
  #worker: Worker | undefined;
  /** When somebody last asked for something, by the monotonic clock. */
  #askedMs = 0;
  #isIdle = false;
  #limit = Number.POSITIVE_INFINITY;
  #closed: Promise<void> | undefined;

  constructor(private readonly options: BullReplicationQueueOptions) {
    const connection = this.#connect({ maxRetriesPerRequest: 1 });
    this.#queue = new Queue(QUEUE, {
      connection,
      prefix: this.#prefix,
      defaultJobOptions: {
        attempts: ATTEMPTS,
        backoff: { type: 'exponential', delay: 250, jitter: 0.5 },
        removeOnComplete: true,
        removeOnFail: true,
      },
    });
    this.#queue.on('error', options.onError);
  }

  async add(jobs: readonly CopyJob[], signal: AbortSignal): Promise<void> {
    if (jobs.length > 0) this.#asked();
    for (let start = 0; start < jobs.length; start += BULK) {
      const bulk = jobs.slice(start, start + BULK).map((job) => ({
        name: QUEUE,
        data: copyJobData(job),
        opts: { jobId: copyJobId(job.digest), priority: job.priority },
      }));
      await this.#command(signal, () => this.#queue.addBulk(bulk));
    }
  }

  work(
    handler: CopyHandler,
    options: { readonly concurrency: number; readonly onFailed: (job: CopyJob, error: Error) => void },
  ): void {
    // Three declared parameters, none defaulted: BullMQ hands over the signal only then.
    const process = (job: Job, token: string | undefined, signal: AbortSignal | undefined): Promise<void> =>
      this.#process(handler, job, token, signal);
    const worker = new CopyWorker(QUEUE, process, {
      connection: this.#connect({ maxRetriesPerRequest: null }),
      prefix: this.#prefix,
      concurrency: Math.min(options.concurrency, this.#limit),
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      drainDelay: DRAIN_SECONDS,
      maxStalledCount: MAX_STALLED,
    });
    worker.on('error', this.options.onError);
    // A lost lock does not stop the job by itself, and another worker may own it already.
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, 'lock lost');
    });
    worker.on('failed', (job, error) => {
      const spent = job !== undefined && (job.attemptsMade >= ATTEMPTS || error instanceof UnrecoverableError);
      if (spent) options.onFailed({ ...parseCopyJobData(job.data), priority: job.priority }, error);
    });
    this.#worker = worker;
    this.#asked();
    void this.#watchIdleness(worker);
  }

  #asked(): void {
    this.#askedMs = this.options.clock.monotonic();
    const worker = this.#worker;
    if (!this.#isIdle || worker === undefined) return;
    this.#isIdle = false;
    worker.opts.stalledInterval = STALLED_CHECK_MS;
    worker.startStalledCheckTimer().catch(this.options.onError);
    void this.#watchIdleness(worker);
  }

  /** Until it is idle, or stops. */
  async #watchIdleness(worker: Worker): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.#stopping;
    while (!signal.aborted && clock.monotonic() - this.#askedMs < IDLE_AFTER_MS)
      await clock.sleep(IDLE_AFTER_MS, signal).catch(() => undefined);
    this.#isIdle = true;
    worker.opts.stalledInterval = IDLE_STALLED_CHECK_MS;
  }

  limit(concurrency: number): void {
    this.#limit = concurrency;
    if (this.#worker !== undefined) this.#worker.concurrency = concurrency;
  }

  async counts(
    signal: AbortSignal,
  ): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }> {
    const counts = await this.#command(signal, () =>
      this.#queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed'),
    );
    const { waiting = 0, prioritized = 0, active = 0, delayed = 0 } = counts;
    return { waiting: waiting + prioritized, active, delayed };
  }

  close(limitMs: number): Promise<void> {
    this.#closed ??= this.#close(limitMs);
    return this.#closed;
  }

  async #close(limitMs: number): Promise<void> {
    this.#stopping.abort(new Error('the process is stopping'));
    const { clock, onError } = this.options;
    const closing = async (): Promise<void> => {
      await this.#worker?.close();
      await this.#queue.close();
    };
    try {
      await withDeadline(new AbortController().signal, limitMs, clock, closing);
    } catch (error) {
      onError(error as Error);
    }
    for (const connection of this.#connections) connection.disconnect();
  }

  get #prefix(): string {
    return `meridian-${this.options.region}`;
  }

  async #process(
    handler: CopyHandler,
    job: Job,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const blob = parseJob(job);
    const running = anySignal(signal === undefined ? [this.#stopping.signal] : [this.#stopping.signal, signal]);
    try {
      await handler({ ...blob, priority: job.priority }, running.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
      // Handed back, so that another worker, or this one after its restart, goes on at once.
      await job.moveToWait(token);
      throw new WaitingError();
    } finally {
      running.release();
    }
  }

  #command<T>(signal: AbortSignal, command: () => Promise<T>): Promise<T> {
    return withDeadline(signal, COMMAND_LIMIT_MS, this.options.clock, command);
  }

  #connect(options: { readonly maxRetriesPerRequest: number | null }): Redis {
    const connection = new Redis(this.options.redisUrl, {
      connectTimeout: 3_000,
      keepAlive: 10_000,
      retryStrategy: (times) => Math.min(times * 100, 2_000),
      ...options,
    });
    connection.on('error', this.options.onError);
    this.#connections.push(connection);
    return connection;
  }
}

function parseJob(job: Job): ReturnType<typeof parseCopyJobData> {
  try {
    return parseCopyJobData(job.data);
  } catch (error) {
    throw new UnrecoverableError((error as Error).message);
  }
}
