import type { ControlBus, ManagedControlBus } from '#libs/control';
import type { RegionName } from '#libs/geo';
import { type Comparisons, openAntiEntropy, openCollections } from '#libs/http';
import { ObjectStoreJournalReader } from '#libs/journal';
import type { PeerClient } from '#libs/peer';
import {
  type Collections,
  entryReferences,
  LocalSummary,
  localSweeper,
  openRegionContent,
  type Scrubs,
} from '#libs/registry';
import {
  ControlFollower,
  ControlStore,
  Copier,
  entryAt,
  localJournalSource,
  MemoryCopyScratch,
  type MemoryQueueJobs,
  MemoryReplicationQueue,
  ProgressStore,
  peerJournalSource,
  type ReplicationQueue,
  Replicator,
} from '#libs/replication';
import type { ObjectStore } from '#libs/storage';
import { openRegionScrubs } from '../../apps/replicator/src/region-scrubs.js';
import { collectNowAndThen } from './collecting.js';
import type { FaultInjector, Faults } from './fault-injector.js';
import { processContext } from './process-context.js';
import type { SimulatedProcess } from './simulated-process.js';
import { SIMULATED_INLINE_BYTES } from './simulated-store.js';

export interface ReplicatorProcessOptions {
  readonly region: RegionName;
  readonly process: SimulatedProcess;
  readonly store: ObjectStore;
  readonly bus: ControlBus;
  readonly faults: FaultInjector;
  /** The region's queue: it outlives the processes, and may forget. */
  readonly jobs: MemoryQueueJobs;
  /** The other regions, nearest first, and which of them is the primary; at the primary there is none. */
  readonly peers: readonly PeerClient[];
  readonly primary: PeerClient | undefined;
}

/** Of the blobs that are pushed here some are held in memory, some are streamed, and some come in parts. */
const COPY_SIZES = { inMemoryBytes: 90, partedFromBytes: 150, partBytes: 64, pieceBytes: 32 };

/** Some blobs go through the queue, and some are too small for it. */
const DIRECT_BYTES = 60;

export interface ReplicatorProcess {
  readonly process: SimulatedProcess;
  /** Only at a replica. */
  readonly collections: Collections | undefined;
  /** Only at a replica, and where something is damaged in the end. */
  readonly repairs?: { readonly scrubs: Scrubs; readonly comparisons: Comparisons };
}

/** Begins a region's worker as the application does. */
export async function openReplicator(options: ReplicatorProcessOptions): Promise<ReplicatorProcess> {
  const { region, process, store, bus, faults, jobs, peers, primary } = options;
  const { clock, random, signal, universe } = process;
  const content = openRegionContent({
    store,
    clock,
    random,
    adoptWithinMs: faults.plan.gcGraceMs / 4,
    inlineBytes: SIMULATED_INLINE_BYTES,
  });
  const progress = new ProgressStore({ store, random });
  const copier = new Copier({
    store,
    blobs: content.blobs,
    sources: peers,
    scratch: new MemoryCopyScratch(),
    ...COPY_SIZES,
    onBytes: () => undefined,
    clock,
    random,
  });
  const source = primary === undefined ? await localSource(options, progress) : peerJournalSource(primary);
  const queue = forgetful(
    new MemoryReplicationQueue(seenBy(process, jobs), { clock, random }),
    faults.of(process.name),
  );
  const replicator = new Replicator({
    ...(primary === undefined ? {} : { region }),
    source,
    content,
    queue,
    copy: (job, inner) => copier.copy(job, inner),
    directBytes: DIRECT_BYTES,
    copyConcurrency: faults.plan.copyConcurrency,
    progress,
    clock,
    random,
    windowEntries: faults.plan.windowEntries,
    observer: {
      onProgress: (told) => bus.publish({ kind: 'region.progress', progress: told }),
      onApplied: (entry) => universe.trace.say(process.name, `applied ${entry.seq} ${entry.type}`),
      onRetry: (what, error) => universe.trace.say(process.name, `retry ${what}: ${String(error)}`),
    },
  });
  bus.subscribe((message) => {
    if (message.kind === 'blob.committed') replicator.blobArrived(message.blob.digest);
    if (message.kind === 'image.pulled') replicator.imagePulled(message);
  });
  if (faults.plan.steerPauseMs > 0) await beSteered(options, replicator);
  await replicator.start(signal);
  if (primary === undefined) return { process, collections: undefined };
  const context = processContext(process, faults.plan);
  const collections = openCollections(context, {
    store,
    content,
    pending: entryReferences(() => replicator.pending()),
    sweeper: localSweeper(content.blobs),
    ownsLinks: false,
    signal,
  });
  void collectNowAndThen(process, collections, faults);
  if (faults.plan.damages === 0) return { process, collections };
  const { summary } = primary;
  const bused = bus as ManagedControlBus;
  const parts = { store, content, source, signal };
  const scrubs = openRegionScrubs(context, { ...parts, copier, peers, bus: bused, replicator: () => replicator });
  const comparisons = openAntiEntropy(context, {
    ...{ ...parts, region, primary: summary },
    local: new LocalSummary({
      ...{ store, content, clock, region, objectsPerSecond: 1_000_000, rateBytesPerSecond: 1e12 },
      upTo: async () => ({ seq: replicator.progress().watermark, epoch: replicator.progress().epoch }),
    }),
    isFilling: () => replicator.progress().bootstrap !== undefined,
    apply: (entry, applying) => replicator.applyAgain(entry, applying),
    entryAt: (seq, looking) => entryAt(source, seq, looking),
  });
  return { process, collections, repairs: { scrubs, comparisons } };
}

async function localSource({ process, store, bus }: ReplicatorProcessOptions, progress: ProgressStore) {
  const { clock, signal } = process;
  const { watermark } = await progress.open(signal);
  const journal = await ObjectStoreJournalReader.open({ store, clock }, watermark, signal);
  bus.subscribe((message) => {
    if (message.kind === 'journal.appended') journal.refresh(signal).catch(() => undefined);
  });
  return localJournalSource(journal, clock);
}

/** Does what operators want of the region. */
async function beSteered(
  { process: { clock, signal }, store, faults }: ReplicatorProcessOptions,
  replicator: Replicator,
): Promise<void> {
  const follower = new ControlFollower({
    store: new ControlStore(store),
    limits: [],
    sharers: () => faults.plan.replicators,
    onSteering: (wanted) => replicator.steer(wanted),
    onRetry: (request) => replicator.retry(request),
    onError: () => undefined,
    clock,
  });
  await follower.open(signal);
  follower.follow(signal).catch(() => undefined);
}

/** The region's queue as one process sees it: one that is gone takes no jobs. */
function seenBy(process: SimulatedProcess, jobs: MemoryQueueJobs): MemoryQueueJobs {
  return {
    waiting: jobs.waiting,
    active: jobs.active,
    changed: jobs.changed,
    add: (job) => jobs.add(job),
    take: () => (process.alive ? jobs.take() : undefined),
    end: (job) => {
      if (process.alive) jobs.end(job);
    },
    lose: () => jobs.lose(),
  };
}

/** A queue that cannot always be reached. */
function forgetful(queue: MemoryReplicationQueue, faults: Faults): ReplicationQueue {
  return {
    add: async (jobs, signal) => {
      if (faults.strikes('queue-failure', faults.plan.queueFailure)) throw new Error('the queue cannot be reached');
      await queue.add(jobs, signal);
    },
    work: (handler, options) => queue.work(handler, options),
    limit: (concurrency) => queue.limit(concurrency),
    counts: (signal) => queue.counts(signal),
    close: (limitMs) => queue.close(limitMs),
  };
}
