import type { RegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import type { RegionProgress } from '#libs/peer';
import type { RegionContent } from '#libs/registry';
import type { Clock, Random } from '#libs/resilience';
import type { FailedCopies } from './failed-copies.js';
import type { JournalSource } from './journal-source.js';
import type { ProgressStore } from './progress-store.js';
import type { CopyHandler, ReplicationQueue } from './replication-queue.js';
import type { SetAsideLimits } from './setbacks.js';

export interface ReplicatorOptions {
  /** The replica, whose share the policy says; the primary has everything. */
  readonly region?: RegionName;
  readonly source: JournalSource;
  readonly content: RegionContent;
  readonly queue: ReplicationQueue;
  /** Brings one blob into the region. */
  readonly copy: CopyHandler;
  /** Of those that the queue hands out. */
  readonly copyConcurrency: number;
  /** When a copy that fails is set aside. */
  readonly setAside?: SetAsideLimits;
  /** Where it is noted what was set aside; without it nothing of that outlives the process. */
  readonly failedCopies?: FailedCopies;
  /** Blobs of up to this size are copied at once, without the queue. */
  readonly directBytes?: number;
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
  /** Something failed that will be tried again; `entry`: it was the applying of that one. */
  onRetry(what: string, error: unknown, entry?: Entry): void;
}
