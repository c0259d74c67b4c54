import type { RepositoryName } from '#libs/oci';
import type { RegionName } from './region.js';
import { ToldEntries } from './told-entries.js';

/** How far a region is, by its own words. */
export interface AppliedEntries {
  /** Everything up to it is applied. */
  readonly watermark: number;
  /** Applied beyond the watermark. */
  readonly beyond: readonly number[];
}

/** Entries remembered one by one; some hundred bytes each. */
export const MAX_REMEMBERED_ENTRIES = 10_000;

/**
 * Which replicas have the newest known state of a repository. What is true for each:
 *
 * - The `floor` is a seq up to which single entries are not known. A replica whose watermark is below it may lack any
 *   of them, in any repository: it is fresh for none.
 * - Every entry above the floor that was learned is remembered until every replica's watermark has passed it, and at
 *   most {@link MAX_REMEMBERED_ENTRIES} of them; the floor rises over each one that is forgotten.
 * - Entries that a region said it has, and that were not learned here, may have been shown to somebody, also if that
 *   region has lost them since: while there are such, only who has them too is fresh.
 * - Before {@link begin} there is no floor, and nobody is fresh.
 */
export class Freshness {
  readonly #applied = new Map<RegionName, { readonly watermark: number; readonly beyond: ReadonlySet<number> }>();
  /** In the order of learning, which is nearly that of `seq`; without a repository where none is touched. */
  readonly #entries = new Map<number, RepositoryName | undefined>();
  readonly #seqs = new Map<RepositoryName, Set<number>>();
  readonly #told: ToldEntries;
  #begin: number | undefined;
  #forgotten = 0;
  /** Everything up to it was learned, or lies below the floor. */
  #complete = 0;

  constructor(
    private readonly replicas: readonly RegionName[],
    private readonly limit: number = MAX_REMEMBERED_ENTRIES,
  ) {
    this.#told = new ToldEntries(limit);
  }

  get floor(): number | undefined {
    return this.#begin === undefined ? undefined : Math.max(this.#begin, this.#forgotten);
  }

  get remembered(): number {
    return this.#entries.size;
  }

  /**
   * The primary's head was heard, and entries after it will be learned. What was learned already stays: a write may
   * have passed while the answer was on its way. A head below the floor is that of another journal, and all is forgotten.
   */
  begin(head: number): void {
    if (head < (this.floor ?? 0)) this.#clear();
    this.#begin = head;
    this.#complete = Math.max(this.#complete, head);
    this.#advance();
    this.#forget();
  }

  /** An entry exists. It may come twice, and out of order. Without a repository: no read of any depends on it. */
  learn(seq: number, repository: RepositoryName | undefined): void {
    if (this.#entries.has(seq) || seq <= (this.floor ?? 0)) return;
    this.#entries.set(seq, repository);
    if (repository !== undefined) {
      const seqs = this.#seqs.get(repository) ?? new Set();
      this.#seqs.set(repository, seqs.add(seq));
    }
    this.#advance();
    this.#forget();
  }

  /** An entry exists whose repository cannot be told: it may be any. */
  learnUnreadable(seq: number): void {
    this.#forgotten = Math.max(this.#forgotten, seq);
  }

  /**
   * A region told how far it is. Of what it has its newest word counts, even if it is less than before: its bucket may be
   * a new one. Of what it may have shown every word does.
   */
  report(region: RegionName, applied: AppliedEntries): void {
    this.#applied.set(region, { watermark: applied.watermark, beyond: new Set(applied.beyond) });
    const unknown = applied.beyond.filter((seq) => seq > this.#complete && !this.#entries.has(seq));
    this.#told.add(applied.watermark, unknown);
    this.#forget();
  }

  watermark(region: RegionName): number | undefined {
    return this.#applied.get(region)?.watermark;
  }

  /**
   * Whether a replica has applied everything that is known of a repository, and everything of it up to `minSeq`: if that
   * is beyond what was learned here without a gap, only a replica whose watermark says so is known to.
   */
  isFresh(region: RegionName, repository: RepositoryName, minSeq = 0): boolean {
    const applied = this.#applied.get(region);
    const floor = this.floor;
    if (applied === undefined || floor === undefined || applied.watermark < floor) return false;
    if (Math.max(minSeq, this.#told.watermark) > Math.max(this.#complete, applied.watermark)) return false;
    const lacks = (seq: number): boolean => seq > applied.watermark && !applied.beyond.has(seq);
    for (const seq of this.#told.beyond) if (!this.#entries.has(seq) && lacks(seq)) return false;
    for (const seq of this.#seqs.get(repository) ?? []) if (lacks(seq)) return false;
    return true;
  }

  #advance(): void {
    this.#complete = Math.max(this.#complete, this.floor ?? 0);
    while (this.#entries.has(this.#complete + 1)) this.#complete += 1;
    this.#told.forget(this.#complete);
  }

  #forget(): void {
    const everywhere = this.#lowestWatermark();
    for (const [seq, repository] of this.#entries) {
      if (seq > everywhere && this.#entries.size <= this.limit) return;
      this.#drop(seq, repository);
    }
  }

  #drop(seq: number, repository: RepositoryName | undefined): void {
    this.#entries.delete(seq);
    if (repository !== undefined) this.#dropOf(repository, seq);
    this.#forgotten = Math.max(this.#forgotten, seq);
  }

  #dropOf(repository: RepositoryName, seq: number): void {
    const seqs = this.#seqs.get(repository);
    seqs?.delete(seq);
    if (seqs?.size === 0) this.#seqs.delete(repository);
  }

  #clear(): void {
    this.#entries.clear();
    this.#seqs.clear();
    this.#forgotten = 0;
    this.#complete = 0;
    this.#told.clear();
  }

  #lowestWatermark(): number {
    const watermarks = this.replicas.map((region) => this.#applied.get(region)?.watermark ?? 0);
    return Math.min(...watermarks);
  }
}
