import type { Digest, RepositoryName } from '#libs/oci';
import type { ObjectStore } from '#libs/storage';
import type { RegionContent } from '../region-content.js';
import type { CycleReport } from './cycle-report.js';
import type { Mark } from './mark.js';
import type { Sweeper } from './sweeper.js';

/** Items of one entry at the most: it is applied while manifests that name them wait. */
const SWEEP_ITEMS = 500;

interface Gathered {
  readonly blobs: Digest[];
  readonly links: { readonly repository: RepositoryName; readonly digest: Digest }[];
}

interface CycleOptions {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly mark: Mark;
  readonly report: CycleReport;
  readonly sweeper: Sweeper;
  /** What time it was for the store when the cycle began. */
  readonly beganMs: number;
  readonly graceMs: number;
}

/** One collection under way: what it knows, and what it has gathered to sweep, by the cycle that condemned it. */
export class Cycle {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly mark: Mark;
  readonly report: CycleReport;
  readonly #sweeps = new Map<string, Gathered>();

  constructor(private readonly options: CycleOptions) {
    ({ store: this.store, content: this.content, mark: this.mark, report: this.report } = options);
  }

  get id(): string {
    return this.report.cycle;
  }

  get dryRun(): boolean {
    return this.report.dryRun;
  }

  /** Whether the grace time of something that was last written then is over. */
  isOver(modifiedMs: number): boolean {
    return this.ageOf(modifiedMs) >= this.options.graceMs;
  }

  /** How long ago that was when the cycle began. */
  ageOf(ms: number): number {
    return this.options.beganMs - ms;
  }

  sweepBlob(by: string, digest: Digest): void {
    this.#gathered(by).blobs.push(digest);
  }

  sweepLink(by: string, repository: RepositoryName, digest: Digest): void {
    this.#gathered(by).links.push({ repository, digest });
  }

  /** Sweeps what has been gathered; `all` of it, or what fills an entry. */
  async flushSweeps(all: boolean, signal: AbortSignal): Promise<void> {
    const { sweeper, mark } = this.options;
    for (const [cycle, { blobs, links }] of this.#sweeps) {
      while (blobs.length + links.length >= (all ? 1 : SWEEP_ITEMS)) {
        const [someBlobs, someLinks] = [blobs.splice(0, SWEEP_ITEMS), links.splice(0, SWEEP_ITEMS)];
        if (!this.dryRun) await sweeper({ cycle, blobs: someBlobs, links: someLinks }, mark, signal);
      }
    }
  }

  #gathered(by: string): Gathered {
    const gathered = this.#sweeps.get(by) ?? { blobs: [], links: [] };
    this.#sweeps.set(by, gathered);
    return gathered;
  }
}
