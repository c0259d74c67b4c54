import { type Decision, EMPTY_POLICY, loosens, mayLoosen, type Policy, type RegionName, RegionRules } from '#libs/geo';
import type { Entry, ManifestPut } from '#libs/journal';
import type { RepositoryName, Tag } from '#libs/oci';
import type { ContentEntry, CurrentPolicy, PlacedPolicy } from '#libs/registry';
import type { WantedBlobs } from './plan.js';

export const NO_POLICY: PlacedPolicy = { seq: 0, policy: EMPTY_POLICY };

/** What a region takes of the entries that it hears: always by the newest policy that it knows, whatever their place. */
export class Selection {
  #placed = NO_POLICY;
  #rules: RegionRules;

  /** `undefined`: the primary, which takes everything. */
  constructor(private readonly region: RegionName | undefined) {
    this.#rules = new RegionRules(EMPTY_POLICY, region);
  }

  /** It is the primary: no policy takes anything from it. */
  get isWhole(): boolean {
    return this.region === undefined;
  }

  get placed(): PlacedPolicy {
    return this.#placed;
  }

  get rules(): RegionRules {
    return this.#rules;
  }

  /** Goes by that policy from now on. @returns whether it is newer than the one before */
  adopt(placed: PlacedPolicy): boolean {
    if (placed.seq <= this.#placed.seq) return false;
    this.#placed = placed;
    this.#rules = new RegionRules(placed.policy, this.region);
    return true;
  }

  /**
   * The entry as far as this region may have it; `undefined`: nothing of it. What leaves, leaves everywhere. Rules are
   * nothing to have: a region goes by them.
   */
  admitted(entry: Entry): ContentEntry | undefined {
    if (entry.type === 'policy.put') return undefined;
    if (entry.type !== 'manifest.put') return entry;
    const { repository, tags } = entry;
    if (this.#rules.share(repository) === 'all') return entry;
    if (this.#rules.decide(repository, tags).action === 'exclude') return undefined;
    return { ...entry, tags: tags.filter((tag) => this.#rules.decideTag(repository, tag).action !== 'exclude') };
  }

  /** Which blobs have to be here before the entry is applied. */
  wantedBlobs({ repository, tags }: ManifestPut): WantedBlobs {
    if (this.#rules.decide(repository, tags).action !== 'include') return 'none';
    return this.#rules.share(repository) === 'all' ? 'own' : 'all';
  }

  /** What of the entries before it the region may have left out under any of `from` and takes now; `undefined`: nothing. */
  regained(from: readonly Policy[]): ((entry: Entry) => boolean) | undefined {
    const each = from.map((policy) => this.#regainedFrom(policy)).filter((regains) => regains !== undefined);
    return each.length === 0 ? undefined : (entry) => each.some((regains) => regains(entry));
  }

  #regainedFrom(from: Policy): ((entry: Entry) => boolean) | undefined {
    if (!mayLoosen(from, this.#placed.policy)) return undefined;
    const before = new RegionRules(from, this.region);
    if (!before.restricts) return undefined;
    const after = this.#rules;
    const regains = (decide: (rules: RegionRules) => Decision): boolean => loosens(decide(before), decide(after));
    return (entry) => {
      if (entry.type === 'policy.put') return false;
      // A region that was filled from a snapshot has no tombstone of what was deleted before.
      if (entry.type === 'blobs.sweep') return true;
      if (entry.type !== 'manifest.put') return before.touches(entry.repository);
      const { repository, tags } = entry;
      const whole = regains((rules) => rules.decide(repository, tags));
      return whole || tags.some((tag) => regains((rules) => rules.decideTag(repository, tag)));
    };
  }
}

/**
 * What a region may show, as its readers ask. A policy that takes away counts at once; one that gives counts when all of
 * the region's content follows it: in between the region shows older states than it did. What was replaced before the
 * region had followed it counts until then, for it may have taken a part away.
 */
export class Residency {
  #rules: readonly RegionRules[] = [];
  #seqs = '';

  constructor(private readonly region: RegionName) {}

  /** @returns whether something changed */
  update(current: CurrentPolicy | undefined, enforced: PlacedPolicy | undefined): boolean {
    const placed = [current, enforced].filter((each) => each !== undefined);
    const seqs = placed.map(({ seq }) => seq).join();
    if (seqs === this.#seqs) return false;
    this.#seqs = seqs;
    const isFollowed = (current?.seq ?? 0) <= (enforced?.seq ?? 0);
    const unfinished = isFollowed ? [] : (current?.unfinished ?? []);
    const policies = [...placed.map(({ policy }) => policy), ...unfinished];
    this.#rules = policies.map((policy) => new RegionRules(policy, this.region));
    return true;
  }

  /** Why the region may not have anything of what is asked for; `undefined`: it may. */
  refusal(repository: RepositoryName, tag?: Tag): Decision | undefined {
    for (const rules of this.#rules) {
      if (rules.share(repository) === 'none') return rules.refusal(repository);
      const decision = tag === undefined ? undefined : rules.decideTag(repository, tag);
      if (decision?.action === 'exclude') return decision;
    }
    return undefined;
  }

  /** Why the region may not fetch what is asked for by digest, unless something that it shows needs it. */
  refusalOfUnknown(repository: RepositoryName): Decision | undefined {
    return this.#rules.find((rules) => rules.share(repository) !== 'all')?.refusal(repository);
  }

  /** What the newest policy says of an image. */
  decide(repository: RepositoryName, tag: Tag | undefined): Decision | undefined {
    const [newest] = this.#rules;
    return newest?.decide(repository, tag === undefined ? [] : [tag]);
  }
}

/** The region may not have it: whoever asks has to go elsewhere, or is told why. */
export class ExcludedHere extends Error {
  override readonly name = 'ExcludedHere';

  constructor(
    readonly repository: RepositoryName,
    readonly decision: Decision,
  ) {
    super(`${repository} is not in this region, by rule ${decision.rule ?? 'none'}`);
  }
}
