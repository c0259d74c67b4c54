import type { RegionName } from '#libs/geo';
import type { RepositoryName, Tag } from '#libs/oci';
import type { PlacedPolicy } from '#libs/registry';
import { Residency } from '#libs/replication';

/** Policies that are remembered: a region may still be on its way to the newest from any of them. */
const REMEMBERED = 16;

/** What the policy keeps from each replica, as far as the router has heard. */
export class KnownPolicies {
  readonly #policies = new Map<number, PlacedPolicy>();
  readonly #regions = new Map<RegionName, { readonly residency: Residency; followed: number }>();
  #newest: PlacedPolicy | undefined;

  /** The newest one, from where the journal is followed from now on. Some before it may not have been heard of. */
  begin(placed: PlacedPolicy): void {
    if (placed.seq <= (this.#newest?.seq ?? 0)) return;
    this.#policies.clear();
    this.learn(placed);
  }

  /** A policy exists, the next after those that were learned. It may come twice, and an older one after it. */
  learn({ seq, policy }: PlacedPolicy): void {
    if (seq <= (this.#newest?.seq ?? 0)) return;
    this.#newest = { seq, policy };
    this.#policies.set(seq, this.#newest);
    const [oldest] = this.#policies.keys();
    if (this.#policies.size > REMEMBERED && oldest !== undefined) this.#policies.delete(oldest);
    for (const region of this.#regions.keys()) this.#update(region);
  }

  /** All content of the region follows the policy at that place. */
  follows(region: RegionName, policySeq: number): void {
    const known = this.#regions.get(region);
    if (known?.followed === policySeq) return;
    this.#regions.set(region, { residency: known?.residency ?? new Residency(region), followed: policySeq });
    this.#update(region);
  }

  /** Whether a replica must not be asked for it. */
  excludes(region: RegionName, repository: RepositoryName, tag: Tag | undefined): boolean {
    const known = this.#regions.get(region);
    if (known === undefined || this.#newest === undefined) return false;
    // What it still shows by a policy that nobody here has heard of cannot be told, nor by what it went on from there.
    const unheard = known.followed > 0 && known.followed < this.#newest.seq && !this.#policies.has(known.followed);
    return unheard || known.residency.refusal(repository, tag) !== undefined;
  }

  #update(region: RegionName): void {
    const known = this.#regions.get(region);
    if (known === undefined || this.#newest === undefined) return;
    const { residency, followed } = known;
    // By any of those that came since it may have left something out, and not yet have given that back.
    const unfinished = [...this.#policies.values()].filter(({ seq }) => seq > followed).map(({ policy }) => policy);
    residency.update({ ...this.#newest, unfinished }, this.#policies.get(followed));
  }
}
