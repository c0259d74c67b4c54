import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerClient } from '#libs/peer';
import {
  type Listing,
  LocalListing,
  LocalPull,
  openRegionContent,
  type Pull,
  SharedReads,
  StoreReader,
} from '#libs/registry';
import { FetchThrough, ReadThroughPull, ReplicaListing } from '#libs/replication';
import type { RegionParts } from './region-parts.js';

/** What makes a registry process a replica's: what is not here yet it fetches from the primary. */
export interface ReplicaNode {
  /** What is here. */
  readonly local: LocalPull;
  readonly pull: Pull;
  readonly listing: Listing;
  close(): Promise<void>;
}

export async function openReplica(parts: RegionParts, origin: PeerClient, signal: AbortSignal): Promise<ReplicaNode> {
  const { context, regional, content, status, bus, store } = parts;
  const { config, clock, random, log } = context;
  const directory = await mkdtemp(join(config.blobs.spoolDirectory ?? tmpdir(), `meridian-${regional.region}-`));
  const fetches = new FetchThrough({
    blobs: content.blobs,
    source: origin,
    directory,
    clock,
    random,
    onStored: (blob) => bus.publish({ kind: 'blob.committed', blob }),
    onError: (blob, error) => log.warn({ err: error, digest: blob.digest }, 'fetching for a client failed'),
    signal,
  });
  const isPending = (): boolean => status.progress.head > status.progress.watermark;
  // The region's replicator applies entries without a word to this process: the store has to be asked, but not by each.
  const shared = openRegionContent({ store: new SharedReads(store, clock), clock, random });
  const local = new LocalPull(content, new StoreReader(shared));
  return {
    local,
    pull: new ReadThroughPull({ local, content, origin, fetches, isPending }),
    listing: new ReplicaListing(new LocalListing(content), isPending),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
