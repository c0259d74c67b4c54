import type { AppContext } from '#libs/platform';
import {
  COLLECTED_KINDS,
  type Collections,
  Collector,
  type CycleReport,
  type CycleRequest,
  type PendingReferences,
  type RegionContent,
  type Sweeper,
  Upkeep,
  type UpkeepWork,
  USUAL_CYCLE,
} from '#libs/registry';
import type { ObjectStore } from '#libs/storage';

export interface CollectionParts {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly pending: PendingReferences;
  readonly sweeper: Sweeper;
  readonly ownsLinks: boolean;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** The collections of a process, as its configuration wants them and with their metrics. */
export function openCollections(context: AppContext, { signal, ...parts }: CollectionParts): Collections {
  const { config, clock, random, log } = context;
  const { graceMs, uploadIdleMs, uploadMaxAgeMs, maxShare, intervalMs } = config.gc;
  const collector = new Collector({
    ...parts,
    ...{ graceMs, maxShare, clock, random },
    uploads: { idleMs: uploadIdleMs, maxAgeMs: uploadMaxAgeMs },
    name: `process ${process.pid}`,
    onFinished: (report) => tell(context, report),
  });
  const onError = (error: unknown): void => log.warn({ err: error }, 'the collection failed, nothing is lost');
  const work: UpkeepWork<CycleRequest, CycleReport> = {
    get report() {
      return collector.report;
    },
    run: collector.runCycle.bind(collector),
  };
  // Counted from when the process began: one that is restarted often collects late, which costs space only.
  const pauseMs = async (): Promise<number | undefined> => (intervalMs > 0 ? intervalMs : undefined);
  return new Upkeep({ work, usual: USUAL_CYCLE, pauseMs, isDue: async () => true, clock, random, onError, signal });
}

function tell({ metrics, log }: AppContext, report: CycleReport): void {
  const { cycle, outcome, reason, kinds, dryRun, seen, startedMs, finishedMs = startedMs } = report;
  log.info({ cycle, outcome, reason, kinds, seen, dryRun, durationMs: finishedMs - startedMs }, 'collection ended');
  if (dryRun) return;
  for (const kind of COLLECTED_KINDS) {
    metrics.gcRemoved.inc({ kind }, kinds[kind].removed);
    metrics.gcRemovedBytes.inc({ kind }, kinds[kind].removedBytes);
    metrics.gcCondemned.set({ kind }, kinds[kind].condemned);
  }
  metrics.gcLastDuration.set((finishedMs - startedMs) / 1_000);
  if (outcome === 'done') metrics.gcLastSuccess.set(finishedMs / 1_000);
}
