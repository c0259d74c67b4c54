import type { ObjectStoreJournal } from '#libs/journal';
import { JournalCare, type RegionMark } from '#libs/registry';
import type { RegionParts } from './region-parts.js';

/** The care for the journal, as the configuration wants it and with its metrics. */
export function openJournalCare(parts: RegionParts, journal: ObjectStoreJournal): JournalCare {
  const { context, store, content } = parts;
  const { config, clock, random, metrics, log } = context;
  return new JournalCare({
    ...config.journal,
    ...{ store, content, journal, clock, random },
    name: `process ${process.pid}`,
    regions: (signal) => regionMarks(parts, signal),
    onSnapshot: ({ position: { seq }, images, bytes, takenMs }) => {
      log.info({ seq, images, bytes, durationMs: clock.now() - takenMs }, 'snapshot taken');
      metrics.snapshotLast.set(takenMs / 1_000);
      metrics.snapshotSeq.set(seq);
    },
    onCut: (batches) => {
      if (batches > 0) log.info({ batches, until: journal.head.seq }, 'journal cut');
      metrics.journalCut.inc(batches);
    },
    onError: (error) => log.warn({ err: error }, 'the care for the journal failed, nothing is lost'),
  });
}

/** Others by what they say; this region by what it has stored, for its processes start from there. */
async function regionMarks(
  { regional, watch, progress, context }: RegionParts,
  signal: AbortSignal,
): Promise<readonly RegionMark[]> {
  const heardMs = context.clock.now();
  const own = { region: regional.region, watermark: (await progress.find(signal))?.watermark ?? 0, heardMs };
  const others = watch.regions.flatMap(({ region, status, silent }) => {
    if (region === regional.region || silent || status === undefined) return [];
    return [{ region, watermark: status.watermark, heardMs }];
  });
  return [own, ...others];
}
