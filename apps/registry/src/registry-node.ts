import {
  Access,
  type AdminOptions,
  Admission,
  DistributionDispatcher,
  type DistributionOptions,
  type FindCopy,
  Hints,
  Locations,
  PeerApi,
  type PolicyWrites,
  RegionEdge,
  type ResidencyOptions,
  WriteConcerns,
  WriteForwarder,
} from '#libs/http';
import type { Journal, JournalReader, SnapshotSource, SummarySource } from '#libs/journal';
import type { AppContext } from '#libs/platform';
import {
  type Collections,
  type JournalCare,
  LocalPull,
  lastCollection,
  lastScrub,
  type Push,
  putPolicy,
  type Scrubs,
} from '#libs/registry';
import {
  foresee,
  type JournalSource,
  lastAntiEntropy,
  localJournalSource,
  peerJournalSource,
  primaryGate,
  replicaGate,
  type Verifications,
} from '#libs/replication';
import { followProgress } from './follow-progress.js';
import { openPrimary } from './primary-node.js';
import { openPrimaryScrubs } from './primary-scrubs.js';
import { proofOptions } from './proofs.js';
import { openRegionParts, type RegionParts } from './region-parts.js';
import { openReplica } from './replica-node.js';
import { openVerifications } from './verifications.js';

/** What differs between a primary's process and a replica's. */
type RoleParts = Pick<DistributionOptions, 'pull' | 'listing' | 'writes' | 'gate'> & {
  readonly journal?: JournalReader;
  readonly snapshots?: SnapshotSource;
  /** What this region itself holds. */
  readonly local: LocalPull;
  readonly copies?: FindCopy;
  readonly summary: SummarySource;
};

/** One registry process of a region: what it consists of, and in which order that begins and ends. */
export class RegistryNode {
  readonly #stopping = new AbortController();
  readonly #hints = new Hints();
  #collections: Collections | undefined;
  #policyWrites: PolicyWrites | undefined;
  #scrubs: Scrubs | undefined;
  #care: JournalCare | undefined;
  #verifications: Verifications | undefined;
  #push: Push | undefined;
  #summary: SummarySource | undefined;
  readonly #endings: (() => Promise<unknown>)[] = [];
  #journal: JournalSource | undefined;

  private constructor(private readonly parts: RegionParts) {}

  static async create(context: AppContext): Promise<RegistryNode> {
    return new RegistryNode(await openRegionParts(context));
  }

  adminOptions(): AdminOptions {
    const { context, regional, store, content, status, presences, watch, wait, peers, heartbeats, steering } =
      this.parts;
    return {
      policy: {
        policies: content.policies,
        regions: context.config.topology.regions,
        writes: () => this.#policyWrites,
      },
      steering: {
        ...{ region: regional.region, role: regional.site.role, primary: regional.primary.name },
        own: steering,
        others: new Map(peers.map((peer) => [peer.region, peer.steering])),
      },
      journalCare: () => this.#care,
      gc: { collections: () => this.#collections, lastReport: (signal) => lastCollection(store, signal) },
      verifications: () => this.#verifications,
      proof: proofOptions(this.parts, () => ({ push: this.#push, summary: this.#summary })),
      antiEntropy: { comparisons: () => undefined, lastReport: (signal) => lastAntiEntropy(store, signal) },
      scrub: { scrubs: () => this.#scrubs, lastReport: (signal) => lastScrub(store, signal) },
      region: regional.region,
      role: regional.site.role,
      status,
      presences,
      watch,
      wait,
      lag: (region) => this.parts.presentLag.summary(region),
      peers,
      processes: () => heartbeats.alive(),
      journal: () => this.#journal,
      stopping: this.#stopping.signal,
      clock: context.clock,
    };
  }

  /** Catches up with what was committed, then answers. */
  async start(): Promise<RegionEdge> {
    const { bus, heartbeats, storeWatch, context } = this.parts;
    const { signal } = this.#stopping;
    bus.start();
    const role = this.parts.origin === undefined ? await this.#primary() : await this.#replica();
    await followProgress(this.parts, signal);
    const self = {
      id: context.random.uuid(),
      app: 'registry',
      pid: process.pid,
      startedMs: context.clock.now(),
    } as const;
    void heartbeats.run(self, signal);
    void storeWatch.follow(signal);
    return this.#edge(role);
  }

  async stop(): Promise<void> {
    const { bus, heartbeats, peers } = this.parts;
    this.#stopping.abort(new Error('the process is stopping'));
    heartbeats.close();
    await Promise.all([...this.#endings.map((end) => end()), bus.close(), ...peers.map((peer) => peer.close())]);
  }

  /** @throws Error if the region's bucket does not answer, or is not the one that this process began with */
  async checkStore(signal: AbortSignal): Promise<void> {
    const { progress, status } = this.parts;
    const found = await progress.find(signal);
    const { generation } = status.progress;
    if (generation !== '' && found?.generation !== generation) throw new Error('the bucket was emptied or replaced');
  }

  async #primary(): Promise<RoleParts> {
    const { content, presences, presentLag, wait, context } = this.parts;
    const concerns = new WriteConcerns(wait, presences.regions, context.config.manifests.writeConcerns);
    const { signal } = this.#stopping;
    const opened = await openPrimary(this.parts, this.#hints, signal);
    const { journal, push, reader, listing, collections, care, summary } = opened;
    const scrubs = await openPrimaryScrubs(this.parts, journal, signal);
    const local = new LocalPull(content, reader);
    this.#collections = collections;
    this.#policyWrites = this.#policies(journal);
    this.#scrubs = scrubs.scrubs;
    // It only ends with the process.
    collections.run().catch(() => undefined);
    this.#care = care;
    this.#push = push;
    this.#summary = summary;
    this.#verifications = openVerifications(this.parts, summary, signal);
    care.run(signal).catch(() => undefined);
    this.#endings.push(
      () => journal.close(),
      () => scrubs.close(),
    );
    this.#journal = localJournalSource(journal, context.clock);
    // Ends with the process; what is measured is nobody's state.
    presentLag.follow(this.#stopping.signal).catch(() => undefined);
    return {
      journal,
      summary,
      snapshots: care.snapshots,
      local,
      pull: scrubs.pull(local),
      listing,
      writes: { kind: 'local', push, concerns, onPushed: (seq) => presentLag.committed(seq) },
      gate: primaryGate(journal),
    };
  }

  async #replica(): Promise<RoleParts> {
    const { origin, regional, keys, context } = this.parts;
    if (origin === undefined) throw new Error('a replica needs a primary');
    const replica = await openReplica(this.parts, origin, this.#stopping.signal);
    this.#journal = peerJournalSource(origin);
    const forwarder = new WriteForwarder({
      region: regional.region,
      primary: regional.primary,
      regionTokenKey: keys.regionToken,
      locations: this.#locations(),
      clock: context.clock,
    });
    this.#endings.push(
      () => replica.close(),
      () => forwarder.close(),
    );
    const { local, pull, listing, summary, findCopy: copies } = replica;
    const gate = replicaGate(this.parts.status, context.clock);
    return { local, pull, listing, summary, copies, gate, writes: { kind: 'forward', forwarder } };
  }

  #edge({ journal, snapshots, summary, local, copies, ...role }: RoleParts): RegionEdge {
    const { context, regional, keys, content, status, presence, origin, steering } = this.parts;
    const { config, clock, log, metrics } = context;
    const { region } = regional;
    const access = new Access({
      region,
      anonymousAccess: config.anonymousAccess,
      grantKey: keys.grant,
      regionTokenKey: keys.regionToken,
      clock,
    });
    const { redirect, redirectFromBytes } = config.blobs;
    const distribution = new DistributionDispatcher({
      ...role,
      ...(origin === undefined ? {} : { residency: this.#residency() }),
      region,
      access,
      locations: this.#locations(),
      redirect: { fromBytes: redirect === 'always' ? redirectFromBytes : undefined },
      clock,
      log,
      onPull: ({ source, seconds }) => metrics.pullDuration.observe({ region, source }, seconds),
    });
    const peers = new PeerApi({
      content,
      pull: local,
      ...(journal === undefined ? {} : { journal }),
      ...(snapshots === undefined ? {} : { snapshots }),
      ...(copies === undefined ? {} : { copies }),
      summary,
      hints: this.#hints,
      status,
      presence,
      ...(origin === undefined ? {} : { steering, primary: origin.region }),
      clock,
    });
    // Streams to other regions never end by themselves.
    context.onDraining(() => peers.close());
    const admission = new Admission({
      places: config.limits,
      onChange: (lane, count) => metrics.requestsUnderWay.set({ lane }, count),
      onRefused: (lane) => metrics.requestsRefused.inc({ lane }),
    });
    return new RegionEdge({ distribution, peers, access, admission, log, clock });
  }

  #policies(journal: Journal): PolicyWrites {
    const { content, peers } = this.parts;
    const regions = peers.map(({ region }) => region);
    return {
      put: (policy, expectedSeq, signal) => putPolicy(content, journal, policy, expectedSeq, signal),
      foresee: (from, to, signal) => foresee(content, { from, to, regions }, signal),
    };
  }

  #residency(): ResidencyOptions {
    const { residency: rules, regional, keys, context } = this.parts;
    const { region, primary } = regional;
    return { rules, region, primary, grantKey: keys.grant, clock: context.clock };
  }

  #locations(): Locations {
    const { regional, keys, context } = this.parts;
    return new Locations(regional.site, { key: keys.grant, clock: context.clock });
  }
}
