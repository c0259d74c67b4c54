import { rm } from 'node:fs/promises';
import { openScrubs, repairReports } from '#libs/http';
import type { JournalReader } from '#libs/journal';
import { type LocalPull, type Pull, reinstate, type Scrubs } from '#libs/registry';
import {
  AnyPeer,
  Copier,
  FetchThrough,
  FileCopyScratch,
  manifestFrom,
  RepairingPull,
  Repairs,
} from '#libs/replication';
import type { RegionParts } from './region-parts.js';
import { openRegionSpool } from './spool-folder.js';

/** How the primary's process finds damage and repairs it: regions that copied a blob are where the primary gets it back. */
export interface PrimaryScrubs {
  readonly scrubs: Scrubs;
  /** Reading what is here, and from other regions what should be here and is damaged. */
  pull(local: LocalPull): Pull;
  close(): Promise<void>;
}

export async function openPrimaryScrubs(
  parts: RegionParts,
  journal: JournalReader,
  signal: AbortSignal,
): Promise<PrimaryScrubs> {
  const { context, store, content, peers } = parts;
  const { clock, random } = context;
  const directory = await openRegionSpool(parts, 'repairs');
  const copier = new Copier({
    ...{ store, clock, random, sources: peers, blobs: content.blobs },
    scratch: await FileCopyScratch.create(directory, clock),
    onBytes: () => undefined,
  });
  const repairs = new Repairs({
    copy: (blob, copying) => copier.copy(blob, copying),
    reinstate: (digest, looking) => reinstate({ store, content, clock }, digest, looking),
    hasSources: peers.length > 0,
    ...repairReports(context),
    ...{ clock, random, signal },
  });
  content.blobs.onDamage((blob, quarantined) => {
    if (quarantined) repairs.repair(blob, signal).catch(() => undefined);
  });
  const scrubs = openScrubs(context, {
    ...{ store, content, signal },
    repair: (blob, repairing) => repairs.repair(blob, repairing),
    entries: (after, reading) => journal.read(after, reading),
    manifestElsewhere: manifestFrom(peers),
  });
  // It only ends with the process.
  scrubs.run().catch(() => undefined);
  return {
    scrubs,
    pull: (local) => openPull(parts, local, directory, signal),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** In a region that is alone there is nobody to ask. */
function openPull({ context, content, peers }: RegionParts, local: LocalPull, directory: string, signal: AbortSignal) {
  const { clock, random, log } = context;
  const [nearest, ...others] = peers;
  if (nearest === undefined) return local;
  const fetches = new FetchThrough({
    ...{ blobs: content.blobs, source: new AnyPeer(nearest, others), directory, clock, random, signal },
    onStored: (blob) => log.info({ digest: blob.digest }, 'blob repaired by a pull'),
    onError: (blob, error) => log.warn({ err: error, digest: blob.digest }, 'fetching for a client failed'),
  });
  return new RepairingPull({ local, content, fetches });
}
