import { cutJournal, type Journal, type SnapshotHeader, Snapshots } from '#libs/journal';
import type { Clock, Random } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import type { RegionContent } from '../region-content.js';
import { storeTime, UpkeepLease, UpkeepRunning } from '../upkeep/lease.js';
import { type RegionMark, RegionMarks } from './region-marks.js';
import { takeSnapshot } from './take-snapshot.js';

/** How often it is looked whether something is to be done. */
const LOOK_MS = 60_000;

export interface JournalCareOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly journal: Journal;
  /** This region's stored watermark, and what other regions say of theirs now. */
  readonly regions: (signal: AbortSignal) => Promise<readonly RegionMark[]>;
  /** A snapshot is taken when so many entries came since the last one, or when it is so old and anything came. */
  readonly snapshotEntries: number;
  readonly snapshotAgeMs: number;
  /** Batches stay at least this long. */
  readonly keepMs: number;
  /** A region that was silent for longer has to begin from a snapshot. */
  readonly silentAfterMs: number;
  /** What others are told of who cares. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onSnapshot: (header: SnapshotHeader) => void;
  readonly onCut: (batches: number) => void;
  readonly onError: (error: unknown) => void;
}

/** Keeps the primary's journal short: now and then a snapshot, and away with what every region has, or can have from one. */
export class JournalCare {
  readonly snapshots: Snapshots;
  readonly marks: RegionMarks;
  readonly #lease: UpkeepLease;

  constructor(private readonly options: JournalCareOptions) {
    this.snapshots = new Snapshots(options.store);
    this.marks = new RegionMarks(options.store);
    this.#lease = new UpkeepLease({ ...options, key: keys.journalCareLease, what: 'the care for the journal' });
  }

  /** Cares until the process stops. Of several processes, one does. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, onError } = this.options;
    while (!signal.aborted) {
      await clock.sleep(Math.round(LOOK_MS * (0.75 + random.next() / 2)), signal);
      try {
        if (await this.#isDue(signal)) await this.care(signal);
      } catch (error) {
        if (!signal.aborted && !(error instanceof UpkeepRunning)) onError(error);
      }
    }
  }

  /** Takes a snapshot, then removes what nobody needs any more. @throws UpkeepRunning if another process does */
  care(signal: AbortSignal): Promise<SnapshotHeader> {
    const { content, journal, random, clock, onSnapshot, onCut } = this.options;
    return this.#lease.hold(async (held) => {
      const { snapshots } = this;
      const header = await takeSnapshot({ content, journal, snapshots, random, nowMs: clock.now() }, held);
      onSnapshot(header);
      await snapshots.removeOld(held);
      onCut(await this.#cut(held));
      return header;
    }, signal);
  }

  async #isDue(signal: AbortSignal): Promise<boolean> {
    const { journal, clock, snapshotEntries, snapshotAgeMs } = this.options;
    const newest = await this.snapshots.newest(signal);
    const entries = journal.head.seq - (newest?.position.seq ?? 0);
    if (entries === 0) return false;
    const ageMs = clock.now() - (newest?.takenMs ?? journal.head.timeMs);
    return entries >= snapshotEntries || (newest !== undefined && ageMs >= snapshotAgeMs);
  }

  /** Up to the older one of two snapshots at the most: a region may be reading that one. */
  async #cut(signal: AbortSignal): Promise<number> {
    const { store, regions, clock, silentAfterMs, keepMs } = this.options;
    const older = (await this.snapshots.seqs(signal)).at(-2);
    const marks = await this.marks.remember(await regions(signal), signal);
    if (older === undefined) return 0;
    const awaited = marks.filter(({ heardMs }) => clock.now() - heardMs < silentAfterMs);
    const upTo = Math.min(older, ...awaited.map(({ watermark }) => watermark));
    return cutJournal(store, { upTo, writtenBeforeMs: (await storeTime(store, signal)) - keepMs }, signal);
  }
}
