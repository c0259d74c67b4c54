import type { KeyObject } from 'node:crypto';
import { createControlBus, HeartbeatRegistry, type ManagedControlBus } from '#libs/control';
import { deriveClusterKey } from '#libs/geo';
import { ImageWait, RegionPresences } from '#libs/http';
import type { Digest } from '#libs/oci';
import { type HttpPeerClient, openPeers } from '#libs/peer';
import {
  type AppContext,
  createObjectStore,
  type RegionalConfig,
  readClusterSecret,
  readSigningKey,
  regionalConfig,
} from '#libs/platform';
import { openRegionContent, type RegionContent } from '#libs/registry';
import {
  ControlStore,
  FailedCopies,
  freshProgress,
  LocalPresence,
  LocalSteering,
  PresentLag,
  ProgressStore,
  RegionStatusBoard,
  RegionWatch,
  Residency,
} from '#libs/replication';
import type { ObjectStore } from '#libs/storage';
import { BytesInFlight } from './bytes-in-flight.js';
import { StoreWatch } from './store-watch.js';

/** What every registry process has, whatever its region's role. */
export interface RegionParts {
  readonly context: AppContext;
  readonly regional: RegionalConfig;
  readonly keys: { readonly grant: Uint8Array; readonly regionToken: Uint8Array; readonly uploadId: Uint8Array };
  /** What this region signs with. */
  readonly signingKey: KeyObject | undefined;
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly progress: ProgressStore;
  readonly bus: ManagedControlBus;
  readonly heartbeats: HeartbeatRegistry;
  readonly peers: readonly HttpPeerClient[];
  /** The primary, at a replica. */
  readonly origin: HttpPeerClient | undefined;
  readonly status: RegionStatusBoard;
  readonly storeWatch: StoreWatch;
  readonly presence: LocalPresence;
  /** What the policy lets this region show; nothing is kept from the primary. */
  readonly residency: Residency;
  /** What all regions say of themselves, and have of an image. */
  readonly watch: RegionWatch;
  readonly presences: RegionPresences;
  readonly wait: ImageWait;
  /** How operators steer this region's replication. */
  readonly steering: LocalSteering;
  /** Only measured at the primary. */
  readonly presentLag: PresentLag;
}

export async function openRegionParts(context: AppContext): Promise<RegionParts> {
  const { config, clock, random, metrics, log } = context;
  const regional = regionalConfig(config);
  const secret = readClusterSecret(context);
  const keys = {
    grant: deriveClusterKey(secret, 'grant'),
    regionToken: deriveClusterKey(secret, 'region-token'),
    uploadId: deriveClusterKey(secret, 'upload-id'),
  };
  const store = createObjectStore(regional.storage, { clock, random, metrics, log });
  const content = openRegionContent({ store, clock, random, adoptWithinMs: config.gc.graceMs / 4 });
  const { region, site } = regional;
  const bus = createControlBus({ redisUrl: config.redisUrl, region, processId: random.uuid(), log, clock });
  const peers = openPeers(config.topology, region, { key: keys.regionToken, clock });
  const origin = peers.find((peer) => peer.region === regional.primary.name);
  const storeWatch = new StoreWatch(context.readiness, clock);
  const ready = (): boolean => !context.readiness.draining && storeWatch.answers;
  const status = new RegionStatusBoard(freshProgress(''), { region, role: site.role, clock, ready });
  const inFlight = new BytesInFlight(bus, (bytes) => status.copied(bytes));
  const bytesInFlight = (digest: Digest): number => inFlight.of(digest);
  const residency = new Residency(region);
  const presence = new LocalPresence({
    ...{ region, content, origin, clock, bytesInFlight, residency, changed: status.changed },
    failures: () => status.progress.failed,
  });
  const watch = new RegionWatch({ own: status, peers, clock, random });
  const presences = new RegionPresences({ region, presence, peers, clock });
  return {
    context,
    regional,
    keys,
    signingKey: readSigningKey(context),
    store,
    content,
    progress: new ProgressStore({ store, random }),
    bus,
    heartbeats: new HeartbeatRegistry(bus, clock),
    peers,
    origin,
    status,
    storeWatch,
    presence,
    residency,
    watch,
    presences,
    wait: new ImageWait(presences, watch, clock),
    steering: new LocalSteering({
      controls: new ControlStore(store),
      failedCopies: new FailedCopies(store),
      clock,
      onChanged: () => bus.publish({ kind: 'controls.changed' }),
    }),
    presentLag: new PresentLag({
      watch,
      regions: peers.map((peer) => peer.region),
      clock,
      observe: (to, seconds) => metrics.replicationPresent.observe({ region: to }, seconds),
    }),
  };
}
