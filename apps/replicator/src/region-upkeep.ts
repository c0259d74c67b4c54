import type { ManagedControlBus } from '#libs/control';
import { type Comparisons, openAntiEntropy, openCollections, type UpkeepOptions } from '#libs/http';
import type { PeerClient } from '#libs/peer';
import type { AppContext, RegionalConfig } from '#libs/platform';
import {
  type Collections,
  entryReferences,
  LocalSummary,
  lastCollection,
  lastScrub,
  localSweeper,
  type RegionContent,
  type Scrubs,
} from '#libs/registry';
import {
  type Copier,
  entryAt,
  freshProgress,
  type JournalSource,
  lastAntiEntropy,
  type Replicator,
} from '#libs/replication';
import type { ObjectStore } from '#libs/storage';
import { openRegionScrubs } from './region-scrubs.js';

export interface RegionUpkeepParts {
  readonly regional: RegionalConfig;
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly bus: ManagedControlBus;
  readonly peers: readonly PeerClient[];
  /** The one that runs now: a region begins anew in another bucket. */
  readonly replicator: () => Replicator | undefined;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** What keeps a replica's content small, whole and right. At the primary its registry processes do this: they write the journal. */
export class RegionUpkeep {
  #collections: Collections | undefined;
  #scrubs: Scrubs | undefined;
  #comparisons: Comparisons | undefined;

  constructor(
    private readonly context: AppContext,
    private readonly parts: RegionUpkeepParts,
  ) {}

  /** Begins it all; each only ends with the process. */
  start(source: JournalSource, copier: Copier): void {
    if (this.parts.regional.site.role === 'primary') return;
    this.#collect();
    this.#scrubs = openRegionScrubs(this.context, { ...this.parts, source, copier, peers: this.#peersByRole() });
    this.#compare(source);
  }

  options(): UpkeepOptions {
    const { store } = this.parts;
    return {
      antiEntropy: {
        comparisons: () => this.#comparisons,
        lastReport: (signal) => lastAntiEntropy(store, signal),
      },
      gc: { collections: () => this.#collections, lastReport: (signal) => lastCollection(store, signal) },
      scrub: { scrubs: () => this.#scrubs, lastReport: (signal) => lastScrub(store, signal) },
    };
  }

  #collect(): void {
    const { store, content, replicator, signal } = this.parts;
    this.#collections = openCollections(this.context, {
      store,
      content,
      pending: entryReferences(() => replicator()?.pending() ?? []),
      sweeper: localSweeper(content.blobs),
      ownsLinks: false,
      signal,
    });
    this.#collections.run().catch(() => undefined);
  }

  /** With the primary. */
  #compare(source: JournalSource): void {
    const { store, content, regional, peers, replicator, signal } = this.parts;
    const { region, primary } = regional;
    const peer = peers.find((each) => each.region === primary.name);
    if (peer === undefined) return;
    const { config, clock } = this.context;
    const progress = () => replicator()?.progress() ?? freshProgress('');
    this.#comparisons = openAntiEntropy(this.context, {
      ...{ store, content, region, primary: peer.summary },
      local: new LocalSummary({
        ...{ store, content, region, clock },
        objectsPerSecond: config.antiEntropy.objectsPerSecond,
        rateBytesPerSecond: config.scrub.rateBytesPerSecond,
        upTo: async () => ({ seq: progress().watermark, epoch: progress().epoch }),
      }),
      isFilling: () => replicator() === undefined || progress().bootstrap !== undefined,
      apply: async (entry, applying) => {
        const running = replicator();
        if (running === undefined) throw new Error('the region begins anew in its bucket');
        await running.applyAgain(entry, applying);
      },
      entryAt: (seq, looking) => entryAt(source, seq, looking),
      signal,
    });
    this.#comparisons.run().catch(() => undefined);
  }

  /** The primary first: what it says of manifests is never behind. */
  #peersByRole(): readonly PeerClient[] {
    const { peers, regional } = this.parts;
    const first = regional.primary.name;
    return peers.toSorted((a, b) => Number(b.region === first) - Number(a.region === first));
  }
}
