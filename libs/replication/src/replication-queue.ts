import type { BlobDescriptor } from '#libs/oci';

/** A blob that a region lacks. Equal digests are one job: a layer shared by 50 images is copied once. */
export interface CopyJob extends BlobDescriptor {
  /** Lower runs first: small blobs overtake big ones. 1 to 2,097,152 (BullMQ's bound). */
  readonly priority: number;
  /** When this process last looked for it in vain, by the monotonic clock; nobody else is told. */
  readonly absentMs?: number;
}

/** From here on what a region fills itself with, which comes after all that is being pushed. */
export const LATE_PRIORITY = 1_000_000;

export type CopyHandler = (job: CopyJob, signal: AbortSignal) => Promise<void>;

/**
 * Work to be done, held outside this process so that it can be shared, prioritised and watched. It never remembers
 * alone: whoever plans can tell it everything again at any time (I7), and adding what is already there changes nothing.
 */
export interface ReplicationQueue {
  /** Adds what is not there yet. Rejects within a bound when the queue cannot be reached; the planner tries again later. */
  add(jobs: readonly CopyJob[], signal: AbortSignal): Promise<void>;
  /** Starts to work: at most `concurrency` at once. A handler that rejects is tried again with backoff; see `onFailed`. */
  work(
    handler: CopyHandler,
    options: { readonly concurrency: number; readonly onFailed: (job: CopyJob, error: Error) => void },
  ): void;
  /** From now on at most so many at once, whatever {@link work} was told; those that run go on. */
  limit(concurrency: number): void;
  /** Jobs waiting, running and delayed, by state; for metrics and for noticing that the queue was emptied behind our back. */
  counts(signal: AbortSignal): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }>;
  /** Stops taking jobs, aborts the running ones, hands them back; resolves within `limitMs`. */
  close(limitMs: number): Promise<void>;
}
