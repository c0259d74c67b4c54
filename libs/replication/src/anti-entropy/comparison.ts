import type { RegionRules } from '#libs/geo';
import { type Bucket, compareItems, type RepositorySummary, type SummarySource } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import { type Difference, judge } from './difference.js';
import { merge, type Pair } from './merge-items.js';

export interface ComparedSources {
  /** What should be. */
  readonly primary: SummarySource;
  /** What is. */
  readonly region: SummarySource;
  /** What the region may have of that. */
  readonly rules: RegionRules;
}

/**
 * A region beside the primary, at a place in the journal that both have applied: nothing that is on its way is taken for a
 * difference. From the whole to the single thing, and only where digests differ.
 */
export class Comparison {
  private constructor(
    private readonly sources: ComparedSources,
    /** What entries up to here came to is compared. */
    readonly position: number,
    /** Up to where the region has applied everything. */
    readonly upTo: number,
  ) {}

  static async open(sources: ComparedSources, signal: AbortSignal): Promise<Comparison> {
    // What the region has applied by now the primary has, once it says so.
    const upTo = await sources.region.upTo(signal);
    const position = Math.min(upTo, await sources.primary.upTo(signal));
    return new Comparison(sources, position, upTo);
  }

  /** Repositories that differ, or cannot be judged by their digests, in the order of their names. */
  async *repositories(signal: AbortSignal): AsyncGenerator<RepositoryName> {
    if (!this.sources.rules.restricts && (await this.#isEqual(signal))) return;
    for await (const { repository, equal } of this.all(() => true, signal)) if (!equal) yield repository;
  }

  /** Every repository that matches, and whether its digests are equal. */
  async *all(
    matches: (repository: RepositoryName) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly repository: RepositoryName; readonly equal: boolean }> {
    for await (const { left, right } of this.#pairs(signal)) {
      const repository = left?.repository ?? right?.repository;
      if (repository === undefined || !matches(repository)) continue;
      const equal = !this.sources.rules.limits(repository) && left?.digest === right?.digest;
      yield { repository, equal };
    }
  }

  async *differences(repository: RepositoryName, signal: AbortSignal): AsyncGenerator<Difference> {
    const { primary, region, rules } = this.sources;
    const buckets = rules.limits(repository) ? undefined : await this.#differing(repository, signal);
    if (buckets?.size === 0) return;
    const pairs = merge(
      primary.items(repository, buckets, signal),
      region.items(repository, buckets, signal),
      compareItems,
    );
    const judged = { repository, rules, position: this.position };
    for await (const { left, right } of pairs) {
      const difference = judge(judged, left, right);
      if (difference !== undefined) yield difference;
    }
  }

  #pairs(signal: AbortSignal): AsyncGenerator<Pair<RepositorySummary>> {
    const { primary, region } = this.sources;
    return merge(primary.repositories(this.position, signal), region.repositories(this.position, signal), byName);
  }

  async #isEqual(signal: AbortSignal): Promise<boolean> {
    const { primary, region } = this.sources;
    const [there, here] = await Promise.all([
      primary.region(this.position, signal),
      region.region(this.position, signal),
    ]);
    return there.digest === here.digest;
  }

  async #differing(repository: RepositoryName, signal: AbortSignal): Promise<ReadonlySet<Bucket>> {
    const { primary, region } = this.sources;
    const [there, here] = await Promise.all([
      primary.buckets(repository, this.position, signal),
      region.buckets(repository, this.position, signal),
    ]);
    const differ = (bucket: Bucket, digest: Digest): boolean =>
      there.get(bucket) !== digest || here.get(bucket) !== digest;
    return new Set([...there, ...here].filter(([bucket, digest]) => differ(bucket, digest)).map(([bucket]) => bucket));
  }
}

/** Names are ASCII: the order of their code units is that of keys. */
function byName({ repository: a }: RepositorySummary, { repository: b }: RepositorySummary): number {
  return a < b ? -1 : Number(a > b);
}
