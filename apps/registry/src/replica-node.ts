import { rm } from 'node:fs/promises';
import { type FindCopy, reportDamage, type SendableBlob } from '#libs/http';
import type { SummarySource } from '#libs/journal';
import { type Digest, RegistryError } from '#libs/oci';
import { HttpPeerClient, type PeerClient, PeerError } from '#libs/peer';
import {
  type Listing,
  LocalListing,
  LocalPull,
  LocalSummary,
  openRegionContent,
  type Pull,
  SharedReads,
  StoreReader,
} from '#libs/registry';
import { FetchThrough, ReadThroughPull, ReplicaListing, retryAfterSeconds } from '#libs/replication';
import { followPolicy } from './follow-policy.js';
import type { RegionParts } from './region-parts.js';
import { openRegionSpool } from './spool-folder.js';

/** What makes a registry process a replica's: what is not here yet it fetches from the primary. */
export interface ReplicaNode {
  /** What is here. */
  readonly local: LocalPull;
  readonly pull: Pull;
  readonly listing: Listing;
  /** What the region's replicator is just copying, for a region that follows. */
  readonly findCopy: FindCopy;
  /** What the region holds, for the primary that compares. */
  readonly summary: SummarySource;
  close(): Promise<void>;
}

export async function openReplica(parts: RegionParts, origin: PeerClient, signal: AbortSignal): Promise<ReplicaNode> {
  const { context, content, status, bus, store } = parts;
  const { clock, random, log } = context;
  const directory = await openRegionSpool(parts, 'fetches');
  const copies = openCopies(parts);
  const fetches = new FetchThrough({
    ...(copies === undefined ? {} : { copies }),
    blobs: content.blobs,
    source: origin,
    directory,
    clock,
    random,
    onStored: (blob) => bus.publish({ kind: 'blob.committed', blob }),
    onError: (blob, error) => log.warn({ err: error, digest: blob.digest }, 'fetching for a client failed'),
    signal,
  });
  const { residency } = parts;
  await followPolicy(parts, residency, () => fetches.interrupt(new Error('the policy changed')), signal);
  reportDamage(context, content);
  // The region's replicator fetches it anew.
  content.blobs.onDamage(({ digest, size }, quarantined) => {
    if (quarantined) bus.publish({ kind: 'blob.damaged', blob: { digest, size } });
  });
  const isPending = (): boolean => status.progress.head > status.progress.watermark;
  const retryAfter = (): number => retryAfterSeconds(status.current());
  // The region's replicator applies entries without a word to this process: the store has to be asked, but not by each.
  const shared = openRegionContent({ store: new SharedReads(store, clock), clock, random });
  const local = new LocalPull(content, new StoreReader(shared));
  return {
    local,
    pull: new ReadThroughPull({
      ...{ local, content, origin, fetches, residency, isPending, clock },
      retryAfterSeconds: retryAfter,
      onPulled: (image) => bus.publish({ kind: 'image.pulled', ...image }),
    }),
    listing: new ReplicaListing(new LocalListing(content), isPending, retryAfter),
    summary: summaryOf(parts),
    findCopy: (digest, waitMs, copying) => findCopy(copies, digest, waitMs, copying),
    close: async () => {
      await copies?.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function summaryOf({ context, regional, store, content, status }: RegionParts): SummarySource {
  const { clock, config } = context;
  return new LocalSummary({
    ...{ store, content, clock, region: regional.region },
    objectsPerSecond: config.antiEntropy.objectsPerSecond,
    rateBytesPerSecond: config.scrub.rateBytesPerSecond,
    upTo: async () => ({ seq: status.progress.watermark, epoch: status.progress.epoch }),
  });
}

/** The region's own replicator, if this process knows where it is. */
function openCopies({ context, regional, keys }: RegionParts): HttpPeerClient | undefined {
  const { config, clock } = context;
  const { region } = regional;
  const { replicatorUrl } = config.replication;
  if (replicatorUrl === undefined) return undefined;
  const self = { kind: 'region', name: region } as const;
  return new HttpPeerClient({ region, origin: replicatorUrl, self, key: keys.regionToken, clock });
}

/** A replicator that does not answer copies nothing. */
async function findCopy(
  copies: HttpPeerClient | undefined,
  digest: Digest,
  waitMs: number,
  signal: AbortSignal,
): Promise<SendableBlob | undefined> {
  const found = await copies?.statCopy(digest, waitMs, signal).catch((error: unknown) => {
    if (error instanceof PeerError) return undefined;
    throw error;
  });
  if (copies === undefined || found === undefined) return undefined;
  return {
    size: found.size,
    growing: true,
    open: async (range, reading) => {
      const options = { followMs: 0, signal: reading, ...(range === undefined ? {} : { range }) };
      const opened = await copies.openCopy(digest, options);
      if (opened === undefined) throw new RegistryError('UNAVAILABLE', { digest });
      return opened.body;
    },
  };
}
