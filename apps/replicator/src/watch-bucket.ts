import type { AppContext } from '#libs/platform';
import type { ProgressStore } from '#libs/replication';
import { nextBeat, retry } from '#libs/resilience';

/** How often it is looked whether the bucket is still the one that the region began in: one small read. */
const BUCKET_WATCH_MS = 1_000;

const BEGIN_AGAIN = { baseMs: 200, capMs: 5_000 };

export interface WatchedBucket {
  readonly progress: ProgressStore;
  /** Lets go of what is known of a bucket that is gone. */
  readonly drop: () => Promise<void>;
  /** Begins anew in the bucket that is there. */
  readonly begin: () => Promise<void>;
}

/** A region whose bucket is emptied, replaced or put back to an older state begins anew in it, without a restart (R15). */
export async function watchBucket(context: AppContext, bucket: WatchedBucket, signal: AbortSignal): Promise<void> {
  const { clock, log } = context;
  while (!signal.aborted) {
    try {
      await nextBeat(BUCKET_WATCH_MS, clock, signal);
      if (!(await bucket.progress.isLost(signal))) continue;
      log.error('the bucket is not what it was: the region begins anew in it');
      await bucket.drop();
      const again = { attempts: Number.POSITIVE_INFINITY, ...BEGIN_AGAIN, isRetryable: () => true, ...context };
      await retry(bucket.begin, again, signal);
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'looking after the bucket failed');
    }
  }
}
