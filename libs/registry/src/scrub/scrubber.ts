import type { Clock, Random } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import { CompactSet } from '../gc/compact-set.js';
import type { RegionContent } from '../region-content.js';
import { objectsAfter } from '../upkeep/all-objects.js';
import { UpkeepLease } from '../upkeep/lease.js';
import type { Upkeep } from '../upkeep/upkeep.js';
import { Pace } from './pace.js';
import { scrubBlob } from './scrub-blob.js';
import { scrubManifest } from './scrub-manifest.js';
import { freshScrub, type ScrubReport } from './scrub-report.js';
import {
  type FindManifestElsewhere,
  type ReadEntries,
  type RepairBlob,
  type ScrubObserver,
  type ScrubRun,
  unlessUnreadable,
} from './scrub-run.js';
import { readScrub, type ScrubState } from './scrub-state.js';

/** Looked at side by side: enough to hide the latency of small ones. */
const AT_ONCE = 4;

/** How often a scrub says how far it is; one that was interrupted repeats what came after. */
const SAVE_MS = 10_000;

/** Blobs remembered to be here, whichever manifest names them next; beyond that they are looked at again. */
const MAX_HERE = 500_000;

export interface ScrubberOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly repair: RepairBlob;
  readonly entries: ReadEntries;
  readonly manifestElsewhere: FindManifestElsewhere;
  /** Unless somebody asks for another one. */
  readonly rateBytesPerSecond: number;
  /** What others are told of who scrubs. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: ScrubObserver;
}

export interface ScrubRequest {
  readonly rateBytesPerSecond?: number;
}

/** The scrubs of one process. */
export type Scrubs = Upkeep<ScrubRequest, ScrubReport>;

/**
 * Reads every blob and every manifest of a region again and compares it with its digest. What is wrong is taken out of
 * use, fetched anew if another region has it, and reported.
 */
export class Scrubber {
  readonly #lease: UpkeepLease;
  #report: ScrubReport | undefined;

  constructor(private readonly options: ScrubberOptions) {
    this.#lease = new UpkeepLease({ ...options, key: keys.scrubLease, what: 'a scrub' });
  }

  /** The scrub that runs in this process, or ended in it last. */
  get report(): ScrubReport | undefined {
    return this.#report;
  }

  /**
   * One scrub of the region; one that was interrupted, by whichever process, goes on where it was.
   * @throws UpkeepRunning if one runs in the region · StorageError when the store cannot be listed
   */
  run(
    signal: AbortSignal,
    request: ScrubRequest = {},
    onBegan: (report: ScrubReport) => void = () => undefined,
  ): Promise<ScrubReport> {
    const { store, clock, random, observer, rateBytesPerSecond } = this.options;
    const rate = request.rateBytesPerSecond ?? rateBytesPerSecond;
    return this.#lease.hold(async (held) => {
      const before = await readScrub(store, held);
      const unfinished = before?.report.finishedMs === undefined ? before : undefined;
      const report = unfinished?.report ?? freshScrub(random.uuid(), rate, clock.now());
      Object.assign(report, { outcome: 'running', rateBytesPerSecond: rate });
      delete report.reason;
      this.#report = report;
      onBegan(report);
      try {
        await this.#scrub(report, unfinished?.after, held);
        Object.assign(report, { outcome: 'done', finishedMs: clock.now() });
        await this.#save({ report }, held);
      } catch (error) {
        report.outcome = 'failed';
        report.reason = error instanceof Error ? error.message : String(error);
        throw error;
      } finally {
        observer.onFinished(report);
      }
      return report;
    }, signal);
  }

  async #scrub(report: ScrubReport, after: string | undefined, signal: AbortSignal): Promise<void> {
    const { clock, rateBytesPerSecond: _, ...parts } = this.options;
    const run: ScrubRun = { ...parts, clock, report, pace: new Pace(report.rateBytesPerSecond, clock) };
    let here = new CompactSet();
    const started = report.phase === 'blobs' ? undefined : after;
    if (report.phase === 'blobs') {
      await this.#walk(run, keys.blobPrefix, after, (key) => scrubBlob(run, key, signal), signal);
      Object.assign(report, { phase: 'manifests', progress: 0 });
    }
    const look = (key: string): Promise<void> => {
      if (here.size > MAX_HERE) here = new CompactSet();
      return scrubManifest(run, key, here, signal);
    };
    await this.#walk(run, keys.manifestPrefix, started, look, signal);
    delete report.estimatedEndMs;
    Object.assign(report, { phase: 'end', progress: 1 });
  }

  async #walk(
    run: ScrubRun,
    prefix: string,
    after: string | undefined,
    look: (key: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, store } = this.options;
    const [beganMs, from] = [clock.monotonic(), placeOf(after)];
    let savedMs = clock.monotonic();
    for await (const page of objectsAfter(store, prefix, after, signal)) {
      for (let start = 0; start < page.length; start += AT_ONCE) {
        const group = page.slice(start, start + AT_ONCE).map(({ key }) => key);
        await Promise.all(group.map((key) => unlessUnreadable(run, key, () => look(key), signal)));
        const last = group.at(-1);
        this.#tell(run.report, last, { beganMs, from });
        if (clock.monotonic() - savedMs < SAVE_MS) continue;
        savedMs = clock.monotonic();
        await this.#save({ report: run.report, ...(last !== undefined && { after: last }) }, signal);
      }
    }
  }

  #tell(
    report: ScrubReport,
    key: string | undefined,
    begin: { readonly beganMs: number; readonly from: number },
  ): void {
    const { clock } = this.options;
    // Manifests are in the order of their repositories: how many there are is not known before the end.
    if (report.phase !== 'blobs') return;
    report.progress = placeOf(key);
    const done = report.progress - begin.from;
    if (done <= 0) return;
    const spentMs = clock.monotonic() - begin.beganMs;
    report.estimatedEndMs = Math.round(clock.now() + (spentMs / done) * (1 - report.progress));
  }

  async #save(state: ScrubState, signal: AbortSignal): Promise<void> {
    await this.options.store.put(keys.scrubState, Buffer.from(JSON.stringify(state)), { signal });
  }
}

/** How far a blob's key is in the order of all, 0 to 1. */
function placeOf(key: string | undefined): number {
  const encoded = key?.slice(key.lastIndexOf('/') + 1, key.lastIndexOf('/') + 9) ?? '';
  return /^[0-9a-f]{8}$/.test(encoded) ? Number.parseInt(encoded, 16) / 2 ** 32 : 0;
}
