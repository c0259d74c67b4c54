import type { ControlBus } from '#libs/control';
import type { RegionName } from '#libs/geo';
import { type Entry, isRepositoryChange } from '#libs/journal';
import type { BlobDescriptor } from '#libs/oci';
import type { RegionProgress } from '#libs/peer';
import type { AppContext } from '#libs/platform';
import type { ReplicatorObserver } from '#libs/replication';

/** A copy says how far it is at most this often. */
const BLOB_PROGRESS_MS = 200;

/** A smaller one is here before anybody could look at how far it is. */
const SHOWN_FROM_BYTES = 1024 * 1024;

/** More copies than a worker runs at once. */
const MAX_COPIES = 1_024;

const NOTHING_TO_TAKE_IN = { images: { done: 0, total: 0 }, bytes: { done: 0, total: 0 } };

/** What the replicator does, told to the log, the metrics and the other processes of the region. */
export class ReplicationReport implements ReplicatorObserver {
  readonly #saidAtMs = new Map<string, number>();
  /** Of small blobs, not told yet. */
  #smallBytes = 0;

  constructor(
    private readonly context: AppContext,
    private readonly region: RegionName,
    private readonly bus: ControlBus,
  ) {}

  onProgress(progress: RegionProgress): void {
    const { metrics } = this.context;
    const { region } = this;
    metrics.replicationWatermark.set({ region }, progress.watermark);
    metrics.replicationHead.set({ region }, progress.head);
    metrics.replicationOldestPending.set({ region }, (progress.oldestPendingMs ?? 0) / 1_000);
    metrics.replicationBacklogEntries.set({ region }, progress.backlog.entries);
    metrics.replicationBacklogBytes.set({ region }, progress.backlog.bytes);
    const { images, bytes } = progress.bootstrap ?? NOTHING_TO_TAKE_IN;
    metrics.bootstrapImages.set({ region }, images.total - images.done);
    metrics.bootstrapBytes.set({ region }, bytes.total - bytes.done);
    metrics.replicationSetAside.set({ region }, progress.setAside ?? 0);
    metrics.replicationPaused.set({ region }, (progress.pausedSinceMs ?? 0) / 1_000);
    metrics.replicationLimit.set({ region }, progress.limit?.bytesPerSecond ?? 0);
    metrics.regionHeard.set({ region }, progress.heardMs / 1_000);
    this.bus.publish({ kind: 'region.progress', progress });
    if (this.#smallBytes === 0) return;
    this.bus.publish({ kind: 'bytes.copied', bytes: this.#smallBytes });
    this.#smallBytes = 0;
  }

  onApplied(entry: Entry): void {
    this.context.metrics.replicationChanges.inc({ region: this.region, kind: entry.type, result: 'applied' });
    const where = isRepositoryChange(entry) ? { repository: entry.repository } : {};
    this.context.log.debug({ seq: entry.seq, type: entry.type, ...where }, 'entry applied');
  }

  onRetry(what: string, error: unknown, entry?: Entry): void {
    const { region } = this;
    if (entry) this.context.metrics.replicationChanges.inc({ region, kind: entry.type, result: 'retried' });
    this.context.log.warn({ err: error, what }, 'failed, will be tried again');
  }

  onBytes(blob: BlobDescriptor, bytesDone: number, chunkBytes: number): void {
    const { metrics, clock } = this.context;
    metrics.replicationCopiedBytes.inc({ region: this.region }, chunkBytes);
    if (blob.size < SHOWN_FROM_BYTES) {
      this.#smallBytes += chunkBytes;
      return;
    }
    const nowMs = clock.monotonic();
    const done = bytesDone >= blob.size;
    if (!done && nowMs - (this.#saidAtMs.get(blob.digest) ?? 0) < BLOB_PROGRESS_MS) return;
    this.#saidAtMs.delete(blob.digest);
    if (!done) this.#remember(blob.digest, nowMs);
    this.bus.publish({ kind: 'blob.progress', blob, bytesDone });
  }

  /** A copy that fails never says that it is done: the one that was silent longest is forgotten. */
  #remember(digest: string, nowMs: number): void {
    this.#saidAtMs.set(digest, nowMs);
    const [oldest] = this.#saidAtMs.keys();
    if (this.#saidAtMs.size > MAX_COPIES && oldest !== undefined) this.#saidAtMs.delete(oldest);
  }

  /** Runs a copy and measures how long it took. */
  async timed(copy: () => Promise<void>): Promise<void> {
    const { metrics, clock } = this.context;
    const startMs = clock.monotonic();
    await copy();
    metrics.replicationCopyDuration.observe({ region: this.region }, (clock.monotonic() - startMs) / 1_000);
  }
}
