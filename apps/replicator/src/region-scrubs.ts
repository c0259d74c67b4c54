import type { ManagedControlBus } from '#libs/control';
import { openScrubs, repairReports, reportDamage } from '#libs/http';
import type { BlobDescriptor } from '#libs/oci';
import type { PeerClient } from '#libs/peer';
import type { AppContext } from '#libs/platform';
import { type RegionContent, reinstate, type Scrubs } from '#libs/registry';
import {
  type Copier,
  type JournalSource,
  keptEntriesOf,
  manifestFrom,
  Repairs,
  type Replicator,
} from '#libs/replication';
import type { ObjectStore } from '#libs/storage';

export interface RegionScrubParts {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly source: JournalSource;
  readonly copier: Copier;
  /** The one that runs now: a region begins anew in another bucket. */
  readonly replicator: () => Replicator | undefined;
  readonly bus: ManagedControlBus;
  /** Nearest first. */
  readonly peers: readonly PeerClient[];
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** The scrubs of a replica, and the repair of what they and the pulls of its registry processes find damaged. */
export function openRegionScrubs(context: AppContext, parts: RegionScrubParts): Scrubs {
  const { store, content, source, copier, replicator, bus, peers, signal } = parts;
  const { clock, random } = context;
  const { onRepaired, onFailed } = repairReports(context);
  const repairs = new Repairs({
    copy: (blob, copying) => copier.copy(blob, copying),
    reinstate: (digest, looking) => reinstate({ store, content, clock }, digest, looking),
    hasSources: peers.length > 0,
    onRepaired: (blob) => {
      onRepaired(blob);
      // Entries may wait for it.
      replicator()?.blobArrived(blob.digest);
    },
    onFailed,
    clock,
    random,
    signal,
  });
  const repair = (blob: BlobDescriptor, repairing: AbortSignal): Promise<boolean> => repairs.repair(blob, repairing);
  const begin = (blob: BlobDescriptor): void => void repair(blob, signal).catch(() => undefined);
  reportDamage(context, content);
  content.blobs.onDamage((blob, quarantined) => {
    if (quarantined) begin(blob);
  });
  bus.subscribe((message) => {
    if (message.kind === 'blob.damaged') begin(message.blob);
  });
  const entries = (after: number, reading: AbortSignal) => keptEntriesOf(source, after, reading);
  const manifestElsewhere = manifestFrom(peers);
  const scrubs = openScrubs(context, { store, content, repair, entries, manifestElsewhere, signal });
  // It only ends with the process.
  scrubs.run().catch(() => undefined);
  return scrubs;
}
