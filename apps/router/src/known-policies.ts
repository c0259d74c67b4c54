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

  /** A policy exists. It may come twice, and an older one after it. */
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
    // What it still shows by a policy that nobody here has heard of cannot be told.
    const unheard = known.followed > 0 && known.followed < this.#newest.seq && !this.#policies.has(known.followed);
    return unheard || known.residency.refusal(repository, tag) !== undefined;
  }

  #update(region: RegionName): void {
    const known = this.#regions.get(region);
    known?.residency.update(this.#newest, this.#policies.get(known.followed));
  }
}
