import { type Hints, openCollections, reportDamage } from '#libs/http';
import { ObjectStoreJournal, ObjectStoreJournalReader, SURE_MS } from '#libs/journal';
import type { BlobDescriptor } from '#libs/oci';
import {
  applyEntries,
  type Collections,
  IndexedListing,
  IndexedReader,
  type JournalCare,
  journalReferences,
  journalSweeper,
  KnownBuckets,
  type Listing,
  LocalBlobUploads,
  LocalListing,
  LocalPush,
  LocalSummary,
  MAX_BLOB_AGE_MS,
  type Push,
  ReadIndex,
  type RegionReader,
} from '#libs/registry';
import { probeConditionalWrites } from '#libs/storage';
import { openJournalCare } from './open-journal-care.js';
import type { RegionParts } from './region-parts.js';

/** The epoch of a registry that was never promoted to. */
const FIRST_EPOCH = 1;

/** What makes a registry process the primary's: it writes the journal, and takes uploads. */
export interface PrimaryNode {
  readonly journal: ObjectStoreJournal;
  readonly push: Push;
  readonly reader: RegionReader;
  readonly listing: Listing;
  readonly collections: Collections;
  readonly care: JournalCare;
  /** What the region holds, for those that compare themselves with it. */
  readonly summary: LocalSummary;
}

/** Finds the journal's end, applies what a process that died left behind, and is then ready for changes. */
export async function openPrimary(parts: RegionParts, hints: Hints, signal: AbortSignal): Promise<PrimaryNode> {
  const { context, store, content, progress, bus } = parts;
  const { clock, random, log, metrics } = context;
  const probed = probeConditionalWrites(store, random, signal);
  // It is asked below.
  probed.catch(() => undefined);
  const stored = await progress.open(signal);
  const { watermark } = stored;
  const reader = await ObjectStoreJournalReader.open(
    { store, clock, sureMs: Math.min(SURE_MS, context.config.journal.keepMs / 4) },
    watermark,
    signal,
  );
  const { seq: head } = reader.head;
  await applyEntries(content, reader.read(watermark, signal), signal);
  // Order hangs on the store's conditions: a store that lets two writers win must never be a primary's.
  await probed;
  // The region's replicator says so all the time; where none runs, each start would begin at the same place.
  if (head > watermark) await progress.save({ ...stored, watermark: head }, signal);
  metrics.journalHead.set(reader.head.seq);
  const index = new ReadIndex(clock, reader, Math.min(MAX_BLOB_AGE_MS, context.config.gc.graceMs / 4));
  reportDamage(context, content);
  content.blobs.onDamage(({ digest, size }, quarantined) => {
    index.forgetBlob(digest);
    if (quarantined) bus.publish({ kind: 'blob.damaged', blob: { digest, size } });
  });
  bus.subscribe((message) => {
    if (message.kind === 'blob.damaged') index.forgetBlob(message.blob.digest);
  });
  const known = new KnownBuckets(clock, context.config.antiEntropy.intervalMs);
  const apply = index.applying(content);
  const journal = new ObjectStoreJournal({
    store,
    reader,
    clock,
    random,
    apply: async (entry, applying) => {
      await apply(entry, applying);
      known.touch(entry);
    },
    epoch: Math.max(FIRST_EPOCH, reader.head.epoch),
    onRetry: (what, error) => log.warn({ err: error, what }, 'failed, will be tried again'),
  });
  reader.onBatch(() => {
    metrics.journalHead.set(reader.head.seq);
    bus.publish({ kind: 'journal.appended', seq: reader.head.seq });
  });
  listen(parts, journal, hints, signal);
  const uploads = new LocalBlobUploads({
    store,
    content,
    clock,
    random,
    idKey: parts.keys.uploadId,
    headSeq: () => journal.head.seq,
    onCommitted: (blob) => announce(parts, hints, blob),
    signal,
  });
  const push = new LocalPush(content, journal, uploads, context.config.manifests);
  const [pending, sweeper] = [journalReferences(journal), journalSweeper(journal)];
  const collections = openCollections(context, { store, content, pending, sweeper, ownsLinks: true, signal });
  const care = openJournalCare(parts, journal);
  const listing = new IndexedListing(new LocalListing(content), index, journal);
  const { objectsPerSecond } = context.config.antiEntropy;
  const { rateBytesPerSecond } = context.config.scrub;
  const upTo = (asking: AbortSignal) => journal.settled(asking);
  const summary = new LocalSummary({ store, content, upTo, known, objectsPerSecond, rateBytesPerSecond, clock });
  return { journal, push, collections, care, listing, summary, reader: new IndexedReader(content, index, journal) };
}

/** Other processes of the region append too, and take blobs. */
function listen({ bus, context }: RegionParts, journal: ObjectStoreJournal, hints: Hints, signal: AbortSignal): void {
  bus.subscribe((message) => {
    if (message.kind === 'blob.committed') hints.publish(message.blob);
    if (message.kind !== 'journal.appended' || message.seq <= journal.head.seq) return;
    journal.refresh(signal).catch((error: unknown) => context.log.debug({ err: error }, 'refresh failed'));
  });
}

/** Replicas may begin to copy a blob before the manifest that needs it exists. */
function announce({ bus }: RegionParts, hints: Hints, blob: BlobDescriptor): void {
  hints.publish(blob);
  bus.publish({ kind: 'blob.committed', blob });
}
