import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createControlBus, HeartbeatRegistry, type ManagedControlBus } from '#libs/control';
import { deriveClusterKey, parseCopyLimits } from '#libs/geo';
import { Access, CopyApi, type UpkeepOptions } from '#libs/http';
import { type JournalReader, ObjectStoreJournalReader } from '#libs/journal';
import { type HttpPeerClient, openPeers, upstreamOf } from '#libs/peer';
import {
  type AppContext,
  createObjectStore,
  type RegionalConfig,
  readClusterSecret,
  regionalConfig,
} from '#libs/platform';
import { BullReplicationQueue } from '#libs/queue';
import { openRegionContent, type RegionContent } from '#libs/registry';
import {
  ControlFollower,
  ControlStore,
  Copier,
  FailedCopies,
  FileCopyScratch,
  type JournalSource,
  localJournalSource,
  MemoryQueueJobs,
  MemoryReplicationQueue,
  ProgressStore,
  peerJournalSource,
  type ReplicationQueue,
  Replicator,
  type Steering,
} from '#libs/replication';
import { Pace } from '#libs/resilience';
import type { ObjectStore } from '#libs/storage';
import { RegionUpkeep } from './region-upkeep.js';
import { ReplicationReport } from './replication-report.js';
import { watchBucket } from './watch-bucket.js';

/** How long jobs have to be handed back when the process stops; what is left then, others take over. */
const HAND_BACK_LIMIT_MS = 8_000;

/** Everything that a region's replicator process consists of, and in which order it begins and ends. */
export class RegionWorker {
  readonly #stopping = new AbortController();
  readonly #draining = new AbortController();
  readonly #store: ObjectStore;
  readonly #content: RegionContent;
  readonly #progress: ProgressStore;
  readonly #bus: ManagedControlBus;
  readonly #heartbeats: HeartbeatRegistry;
  readonly #peers: readonly HttpPeerClient[];
  readonly #upkeep: RegionUpkeep;
  readonly #ending = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #replicator: Replicator | undefined;
  #steering: Steering = {};

  private constructor(
    private readonly context: AppContext,
    private readonly regional: RegionalConfig,
    private readonly keys: { readonly grantKey: Uint8Array; readonly regionTokenKey: Uint8Array },
  ) {
    const { config, clock, random, metrics, log } = context;
    this.#store = createObjectStore(regional.storage, { clock, random, metrics, log });
    this.#content = openRegionContent({
      store: this.#store,
      clock,
      random,
      adoptWithinMs: config.gc.graceMs / 4,
    });
    this.#progress = new ProgressStore({ store: this.#store, random });
    this.#peers = openPeers(config.topology, regional.region, { key: keys.regionTokenKey, clock });
    this.#bus = createControlBus({
      redisUrl: config.redisUrl,
      region: regional.region,
      processId: random.uuid(),
      log,
      clock,
    });
    this.#heartbeats = new HeartbeatRegistry(this.#bus, clock);
    this.#upkeep = new RegionUpkeep(context, {
      regional,
      store: this.#store,
      content: this.#content,
      bus: this.#bus,
      peers: this.#peers,
      replicator: () => this.#replicator,
      signal: this.#stopping.signal,
    });
  }

  static async create(context: AppContext): Promise<RegionWorker> {
    const secret = readClusterSecret(context);
    const keys = {
      grantKey: deriveClusterKey(secret, 'grant'),
      regionTokenKey: deriveClusterKey(secret, 'region-token'),
    };
    return new RegionWorker(context, regionalConfig(context.config), keys);
  }

  /** Begins to follow the journal. @returns what answers the region's own processes */
  async start(): Promise<CopyApi> {
    const { clock, random } = this.context;
    const { signal } = this.#stopping;
    this.#bus.start();
    const report = new ReplicationReport(this.context, this.regional.region, this.#bus);
    const pace = new Pace(clock);
    const copier = this.#openCopier(report, await this.#openScratch(), pace);
    const controls = this.#openControls(pace);
    const source = await this.#openSource();
    const begin = async (): Promise<void> => {
      const replicator = this.#assemble(source, report, copier);
      replicator.steer(this.#steering);
      await replicator.start(signal);
      this.#replicator = replicator;
      // It may be another since.
      replicator.steer(this.#steering);
    };
    this.#bus.subscribe((message) => {
      if (message.kind === 'blob.committed') this.#replicator?.blobArrived(message.blob.digest);
      if (message.kind === 'image.pulled') this.#replicator?.imagePulled(message);
      if (message.kind === 'controls.changed') controls.look();
    });
    await controls.open(signal);
    await begin();
    // It only ends with the process.
    controls.follow(signal).catch(() => undefined);
    this.#upkeep.start(source, copier);
    // At the primary a lost bucket is for people to decide on: its journal was the registry.
    if (this.regional.site.role !== 'primary') {
      const bucket = { progress: this.#progress, drop: () => this.#dropReplicator(), begin };
      this.#watching = watchBucket(this.context, bucket, this.#ending.signal);
    }
    const self = { id: random.uuid(), app: 'replicator', pid: process.pid, startedMs: clock.now() } as const;
    void this.#heartbeats.run(self, signal);
    return this.#copyApi(copier);
  }

  async stop(): Promise<void> {
    this.#ending.abort(new Error('the process is stopping'));
    await this.#watching;
    await this.#replicator?.stop(HAND_BACK_LIMIT_MS);
    this.#stopping.abort(new Error('the process is stopping'));
    this.#heartbeats.close();
    await Promise.all([this.#bus.close(), ...this.#peers.map((peer) => peer.close())]);
  }

  /** What it knows is of a bucket that is gone; that it cannot store it is as it should be. */
  async #dropReplicator(): Promise<void> {
    await this.#replicator?.stop(HAND_BACK_LIMIT_MS).catch((error: unknown) => {
      this.context.log.debug({ err: error }, 'what was known of the lost bucket is let go');
    });
    this.#replicator = undefined;
    this.#content.blobs.lately.forgetAll();
  }

  /** @throws Error if the region's bucket does not answer, or is not the one that was in use: emptied, or another (R15) */
  async checkStore(signal: AbortSignal): Promise<void> {
    const stored = await this.#progress.find(signal);
    const generation = this.#replicator?.progress().generation;
    if (stored === undefined || stored.generation !== generation)
      throw new Error('the region has not begun in this bucket');
  }

  upkeepOptions(): UpkeepOptions {
    return this.#upkeep.options();
  }

  /** Ends what is copied for clients: they go on elsewhere. */
  drain(): void {
    this.#draining.abort(new Error('the process is stopping'));
  }

  #copyApi(copier: Copier): CopyApi {
    const { clock, log } = this.context;
    const { region } = this.regional;
    return new CopyApi({
      copier,
      access: new Access({ region, anonymousAccess: 'none', ...this.keys, clock }),
      log,
      clock,
      onCopied: (digest) => this.#replicator?.blobArrived(digest),
      signal: this.#draining.signal,
    });
  }

  /** The region's wishes are shared by its replicators. */
  #openControls(pace: Pace): ControlFollower {
    const { config, clock, log } = this.context;
    return new ControlFollower({
      store: new ControlStore(this.#store),
      limits: parseCopyLimits(config.replication.limits),
      sharers: () => this.#heartbeats.alive().filter(({ app }) => app === 'replicator').length,
      onSteering: (steering) => {
        log.info({ ...steering }, 'copies as operators want it from now on');
        this.#steering = steering;
        pace.setRate(steering.bytesPerSecond);
        this.#replicator?.steer(steering);
      },
      onRetry: (request) => this.#replicator?.retry(request),
      onError: (error) => log.debug({ err: error }, 'reading what operators want failed'),
      clock,
    });
  }

  #openCopier(report: ReplicationReport, scratch: FileCopyScratch, pace: Pace): Copier {
    const { config, clock, random } = this.context;
    return new Copier({
      store: this.#store,
      blobs: this.#content.blobs,
      sources: this.#peers,
      primary: this.regional.primary.name,
      upstream: upstreamOf(config.topology, this.regional.region),
      scratch,
      pace,
      onBytes: (blob, bytesDone, chunkBytes) => report.onBytes(blob, bytesDone, chunkBytes),
      clock,
      random,
    });
  }

  #assemble(source: JournalSource, report: ReplicationReport, copier: Copier): Replicator {
    const { config, clock, random } = this.context;
    const { region, site } = this.regional;
    return new Replicator({
      ...(site.role === 'primary' ? {} : { region }),
      source,
      content: this.#content,
      queue: this.#openQueue(),
      copy: (job, signal) => report.timed(() => copier.copy(job, signal)),
      copyConcurrency: config.replication.copyConcurrency,
      setAside: { failures: config.replication.setAsideAfterFailures, afterMs: config.replication.setAsideAfterMs },
      failedCopies: new FailedCopies(this.#store),
      progress: this.#progress,
      clock,
      random,
      windowEntries: config.replication.windowEntries,
      observer: report,
    });
  }

  /** The same folder after a restart, so that copies go on where they were cut short. */
  #openScratch(): Promise<FileCopyScratch> {
    const { config, clock } = this.context;
    const directory = config.blobs.spoolDirectory ?? tmpdir();
    return FileCopyScratch.create(join(directory, `meridian-${this.regional.region}-copies`), clock);
  }

  /** A replica follows the primary; the primary's own replicator follows the journal in its bucket. */
  async #openSource(): Promise<JournalSource> {
    const { clock } = this.context;
    const primary = this.#peers.find((peer) => peer.region === this.regional.primary.name);
    if (primary !== undefined) {
      // It only ends with the process.
      primary.keepWarm(this.#stopping.signal).catch(() => undefined);
      return peerJournalSource(primary);
    }
    const { signal } = this.#stopping;
    const { watermark } = await this.#progress.open(signal);
    const journal = await ObjectStoreJournalReader.open({ store: this.#store, clock }, watermark, signal);
    this.#bus.subscribe((message) => {
      if (message.kind === 'journal.appended') this.#wake(journal);
    });
    return localJournalSource(journal, clock);
  }

  #wake(journal: JournalReader): void {
    // A look that fails is made again a second later, by whoever follows.
    journal.refresh(this.#stopping.signal).catch((error: unknown) => {
      this.context.log.debug({ err: error }, 'looking for new entries failed');
    });
  }

  #openQueue(): ReplicationQueue {
    const { config, clock, random, log } = this.context;
    // Without a Redis the region is one process, and its queue can live in it.
    if (config.redisUrl === undefined) return new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random });
    return new BullReplicationQueue({
      redisUrl: config.redisUrl,
      region: this.regional.region,
      clock,
      onError: (error) => log.debug({ err: error }, 'redis connection'),
    });
  }
}
