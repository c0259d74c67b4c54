import type { Clock, Random } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import type { RegionContent } from '../region-content.js';
import { StoredSessions } from '../stored-sessions.js';
import { storeTime, UpkeepLease } from '../upkeep/lease.js';
import type { Upkeep } from '../upkeep/upkeep.js';
import { collectBlobs, surveyBlobs } from './collect-blobs.js';
import { collectCopies } from './collect-copies.js';
import { collectData } from './collect-data.js';
import { collectLinks } from './collect-links.js';
import { collectUploads, type UploadLimits } from './collect-uploads.js';
import { CompactSet } from './compact-set.js';
import { Cycle } from './cycle.js';
import { type CycleReport, freshReport } from './cycle-report.js';
import { Mark } from './mark.js';
import type { PendingReferences } from './references.js';
import type { Sweeper } from './sweeper.js';

/** A collection that would put more on notice than this many blobs, and more than the share that is allowed, stops. */
const BRAKE_BLOBS = 1_000;

export interface CollectorOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly pending: PendingReferences;
  readonly sweeper: Sweeper;
  /** A replica's links come from the journal, and go with it. */
  readonly ownsLinks: boolean;
  /** What nothing needs stays this long after it was put on notice. No clock but the store's measures it. */
  readonly graceMs: number;
  readonly uploads: UploadLimits;
  /** Of all blobs, the share that one collection may put on notice without being forced, 0 to 1. */
  readonly maxShare: number;
  /** What others are told of who collects. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFinished: (report: CycleReport) => void;
}

export interface CycleRequest {
  /** Only says what would go. */
  readonly dryRun: boolean;
  /** Goes on however much would go. */
  readonly force: boolean;
}

/** What nobody asked for. */
export const USUAL_CYCLE: CycleRequest = { dryRun: false, force: false };

/** The collections of one process. */
export type Collections = Upkeep<CycleRequest, CycleReport>;

/** Finds what nothing needs, puts it on notice, and takes it away when it is still needed by nobody a grace time later. */
export class Collector {
  readonly #lease: UpkeepLease;
  readonly #sessions: StoredSessions;
  #report: CycleReport | undefined;

  constructor(private readonly options: CollectorOptions) {
    this.#lease = new UpkeepLease({ ...options, key: keys.gcLease, what: 'a collection' });
    this.#sessions = new StoredSessions(options.store);
  }

  /** The collection that runs in this process, or ended in it last. */
  get report(): CycleReport | undefined {
    return this.#report;
  }

  /**
   * One collection. May be interrupted at any point and run again. @throws UpkeepRunning if one runs in the region ·
   * what a mark could not read: then nothing has been taken away
   */
  runCycle(
    signal: AbortSignal,
    { dryRun, force }: CycleRequest = USUAL_CYCLE,
    onBegan: (report: CycleReport) => void = () => undefined,
  ): Promise<CycleReport> {
    const { random, clock } = this.options;
    return this.#lease.hold(async (held) => {
      const report = freshReport(random.uuid(), dryRun, clock.now());
      this.#report = report;
      onBegan(report);
      try {
        await this.#collect(report, force, held);
      } catch (error) {
        report.outcome = 'failed';
        report.reason = error instanceof Error ? error.message : String(error);
        throw error;
      } finally {
        report.finishedMs = clock.now();
        this.options.onFinished(report);
      }
      if (!dryRun) await this.options.store.put(keys.gcReport, Buffer.from(JSON.stringify(report)), { signal: held });
      return report;
    }, signal);
  }

  async #collect(report: CycleReport, force: boolean, signal: AbortSignal): Promise<void> {
    const { store, content, pending, uploads, ownsLinks } = this.options;
    const beganMs = await storeTime(store, signal);
    const onManifests = (count: number): void => {
      report.seen.manifests += count;
      report.done += count;
    };
    // Sessions before records: bytes that leave their session in between have their record by then.
    const mark = await Mark.take({ store, manifests: content.manifests, pending, onManifests }, signal);
    const cycle = new Cycle({ ...this.options, mark, report, beganMs });
    enter(report, 'survey');
    if (!force && (await this.#isTooMuch(cycle, signal))) return;
    const named = new CompactSet();
    enter(report, 'uploads');
    await collectCopies(cycle, uploads, named, signal);
    await collectUploads(cycle, this.#sessions, uploads, named, signal);
    enter(report, 'blobs');
    await collectBlobs(cycle, named, signal);
    if (ownsLinks) {
      enter(report, 'links');
      await collectLinks(cycle, signal);
    }
    enter(report, 'data');
    await collectData(cycle, named, signal);
    enter(report, 'end');
    report.outcome = 'done';
  }

  async #isTooMuch(cycle: Cycle, signal: AbortSignal): Promise<boolean> {
    const { total, unneeded } = await surveyBlobs(cycle, signal);
    if (unneeded <= BRAKE_BLOBS || unneeded <= total * this.options.maxShare) return false;
    cycle.report.outcome = 'stopped';
    cycle.report.reason = `nothing needs ${unneeded} of ${total} blobs: force it if that is meant`;
    return true;
  }
}

function enter(report: CycleReport, phase: CycleReport['phase']): void {
  report.phase = phase;
  report.done = 0;
}

/** The region's last collection, whichever process made it; dry runs leave nothing behind. */
export async function lastCollection(store: ObjectStore, signal: AbortSignal): Promise<CycleReport | undefined> {
  const found = await store.read(keys.gcReport, signal);
  return found === undefined ? undefined : (JSON.parse(Buffer.from(found.bytes).toString()) as CycleReport);
}
