import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deriveClusterKey, type Policy, parseRegionName, type RegionRole, type RegionSite } from '#libs/geo';
import { ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import type { PeerClient } from '#libs/peer';
import {
  IndexedListing,
  IndexedReader,
  LocalBlobUploads,
  LocalListing,
  LocalPull,
  LocalPush,
  type ManifestPolicy,
  openRegionContent,
  type Pull,
  type PullSource,
  ReadIndex,
  type RegionContent,
  StoreReader,
} from '#libs/registry';
import {
  freshProgress,
  LocalPresence,
  primaryGate,
  RegionStatusBoard,
  RegionWatch,
  Residency,
  replicaGate,
} from '#libs/replication';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { Access } from '../access.js';
import { ImageWait } from '../admin/image-wait.js';
import { RegionPresences } from '../admin/region-presences.js';
import { DistributionDispatcher } from '../distribution/distribution-dispatcher.js';
import type { DistributionOptions } from '../distribution/distribution-options.js';
import { type WriteConcernRule, WriteConcerns } from '../distribution/write-concerns.js';
import { WriteForwarder } from '../distribution/write-forwarder.js';
import { openExchange } from '../exchange.js';
import { Locations } from '../locations.js';

const clock = systemClock;
const random = systemRandom;
const secret = Buffer.alloc(32, 7);

/** What the processes of the test cluster sign with. */
export const testKeys = {
  grant: deriveClusterKey(secret, 'grant'),
  regionToken: deriveClusterKey(secret, 'region-token'),
};

export interface TestRegionOptions {
  readonly name?: string;
  readonly anonymousAccess?: 'none' | 'pull' | 'push';
  readonly store?: ObjectStore;
  /** Makes it a replica of the region that answers there; it reads nothing from it. */
  readonly primaryOrigin?: string;
  /** What pulls are answered from instead of the region's own content. */
  readonly pull?: Pull;
  readonly redirectFromBytes?: number;
  /** What the policy keeps out of it, if it is a replica. */
  readonly policy?: Policy;
  readonly manifests?: ManifestPolicy;
  /** Regions that a push may have to wait for, and what pushes to some repositories wait for by themselves. */
  readonly peers?: readonly PeerClient[];
  readonly writeConcerns?: readonly WriteConcernRule[];
}

/** A region's registry API on a real socket, over a real registry in memory. */
export interface TestRegion {
  /** Where it is reached. */
  readonly origin: string;
  readonly site: RegionSite;
  /** For a region that begins with what this one leaves behind. */
  readonly store: ObjectStore;
  /** What its log was told, newest last. */
  readonly logged: readonly { readonly level: 'warn' | 'error'; readonly fields: object; readonly message: string }[];
  readonly pulls: readonly PullSource[];
  /** What it says of itself; a replica is as far as it is told here. */
  readonly status: RegionStatusBoard;
  close(): Promise<void>;
}

export async function startTestRegion(options: TestRegionOptions = {}): Promise<TestRegion> {
  const stopping = new AbortController();
  const server = createServer();
  const origin = await listen(server);
  const site = siteAt(origin, options);
  const logged: TestRegion['logged'][number][] = [];
  const pulls: PullSource[] = [];
  const store = options.store ?? new MemoryObjectStore({ clock });
  const status = new RegionStatusBoard(freshProgress('test'), {
    ...{ region: site.name, role: site.role, clock },
    ready: () => true,
  });
  const { endings, ...parts } = await openParts(options, store, site, status, stopping.signal);
  const dispatcher = new DistributionDispatcher({
    ...parts,
    region: site.name,
    access: new Access({
      region: site.name,
      anonymousAccess: options.anonymousAccess ?? 'push',
      grantKey: testKeys.grant,
      regionTokenKey: testKeys.regionToken,
      clock,
    }),
    locations: locationsOf(site),
    ...residencyOf(options, site),
    redirect: { fromBytes: options.redirectFromBytes },
    clock,
    log: {
      warn: (fields, message) => logged.push({ level: 'warn', fields, message }),
      error: (fields, message) => logged.push({ level: 'error', fields, message }),
    },
    onPull: ({ source }) => pulls.push(source),
  });
  server.on('request', (request, response) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client is gone'));
    });
    void dispatcher.handle(openExchange(request, response, { requestId: 'request-1', signal: gone.signal }));
  });
  return {
    origin,
    site,
    store,
    logged,
    pulls,
    status,
    close: async () => {
      server.closeAllConnections();
      server.close();
      stopping.abort(new Error('the test is over'));
      await Promise.all(endings.map((end) => end()));
    },
  };
}

type Parts = Pick<DistributionOptions, 'pull' | 'listing' | 'writes' | 'gate'> & {
  readonly endings: readonly (() => Promise<void>)[];
};

async function openParts(
  options: TestRegionOptions,
  store: ObjectStore,
  site: RegionSite,
  status: RegionStatusBoard,
  signal: AbortSignal,
): Promise<Parts> {
  const content = openRegionContent({ store, clock, random });
  const listing = new LocalListing(content);
  if (options.primaryOrigin !== undefined) {
    const forwarder = new WriteForwarder({
      region: site.name,
      primary: { ...siteAt(options.primaryOrigin, {}), name: parseRegionName('primary') },
      regionTokenKey: testKeys.regionToken,
      locations: locationsOf(site),
      clock,
    });
    const pull = options.pull ?? new LocalPull(content, new StoreReader(content));
    const gate = replicaGate(status, clock);
    return { pull, listing, gate, writes: { kind: 'forward', forwarder }, endings: [() => forwarder.close()] };
  }
  const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, signal);
  const index = new ReadIndex(clock, reader);
  const journal = new ObjectStoreJournal({
    ...{ store, reader, clock, random, epoch: 1 },
    apply: index.applying(content),
    onRetry: () => undefined,
  });
  const headSeq = () => journal.head.seq;
  const uploads = new LocalBlobUploads({
    ...{ store, content, clock, random, headSeq, signal, idKey: deriveClusterKey(secret, 'upload-id') },
    onCommitted: () => undefined,
  });
  const push = new LocalPush(content, journal, uploads, options.manifests);
  const pull = options.pull ?? new LocalPull(content, new IndexedReader(content, index, journal));
  const concerns = concernsOf(options, content, site, status);
  const writes = { kind: 'local', push, concerns, onPushed: () => undefined } as const;
  const indexed = new IndexedListing(listing, index, journal);
  return { pull, listing: indexed, gate: primaryGate(journal), writes, endings: [() => journal.close()] };
}

function concernsOf(
  { peers = [], writeConcerns = [] }: TestRegionOptions,
  content: RegionContent,
  { name: region }: RegionSite,
  own: RegionStatusBoard,
): WriteConcerns {
  const bytesInFlight = () => 0;
  const presence = new LocalPresence({ region, content, origin: undefined, clock, bytesInFlight });
  const presences = new RegionPresences({ region, presence, peers, clock });
  const watch = new RegionWatch({ own, peers, clock, random });
  return new WriteConcerns(new ImageWait(presences, watch, clock), presences.regions, writeConcerns);
}

function residencyOf({ policy, primaryOrigin }: TestRegionOptions, { name: region }: RegionSite) {
  if (policy === undefined || primaryOrigin === undefined) return {};
  const rules = new Residency(region);
  rules.update({ seq: 1, policy }, undefined);
  return { residency: { rules, region, primary: siteAt(primaryOrigin, {}), grantKey: testKeys.grant, clock } };
}

function locationsOf(site: RegionSite): Locations {
  return new Locations(site, { key: testKeys.grant, clock });
}

function siteAt(origin: string, { name = 'primary', primaryOrigin }: TestRegionOptions): RegionSite {
  const role: RegionRole = primaryOrigin === undefined ? 'primary' : 'replica';
  return { name: parseRegionName(name), role, publicUrl: `http://${name}.test`, peerUrl: origin };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
