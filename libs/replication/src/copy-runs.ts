import type { Digest } from '#libs/oci';
import { anySignal } from '#libs/resilience';
import type { CopyHandler, CopyJob } from './replication-queue.js';

export interface CopyRunsOptions {
  /** Brings one blob into the region. */
  readonly copy: CopyHandler;
  /** Whether the region may have a blob now; asked before a byte of it is copied. */
  readonly mayHave: (digest: Digest) => boolean;
  /** The blob is stored here. */
  readonly onCopied: (digest: Digest) => void;
}

/**
 * The copies that this process makes for entries. One that must not go on, for the policy changed or the region's
 * replication was paused, ends without having failed: its job is done with, and is asked for again when there is reason to.
 */
export class CopyRuns {
  /** The same blob may be asked for in two ways. */
  readonly #running = new Map<AbortController, Digest>();
  #pausedSinceMs: number | undefined;

  constructor(private readonly options: CopyRunsOptions) {}

  get pausedSinceMs(): number | undefined {
    return this.#pausedSinceMs;
  }

  /** Ends what runs, and begins nothing until it is resumed. What a big copy has stored is kept. */
  pause(sinceMs: number): void {
    this.#pausedSinceMs = sinceMs;
    for (const copying of this.#running.keys()) copying.abort(new Error('the replication of this region is paused'));
  }

  resume(): void {
    this.#pausedSinceMs = undefined;
  }

  /** Copies whose blobs the region may not have any more end now. */
  endForbidden(): void {
    for (const [copying, digest] of this.#running) {
      if (!this.options.mayHave(digest))
        copying.abort(new Error('the policy does not let this region have it any more'));
    }
  }

  async run(job: CopyJob, signal: AbortSignal): Promise<void> {
    if (this.#pausedSinceMs !== undefined || !this.options.mayHave(job.digest)) return;
    const ended = new AbortController();
    const copying = anySignal([signal, ended.signal]);
    this.#running.set(ended, job.digest);
    try {
      await this.options.copy(job, copying.signal);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
      return;
    } finally {
      copying.release();
      this.#running.delete(ended);
    }
    this.options.onCopied(job.digest);
  }
}
