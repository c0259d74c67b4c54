import {
  decideRoute,
  Freshness,
  HealthView,
  type RegionHealth,
  type RegionName,
  type RegionSite,
  type RouteDecision,
  type Topology,
} from '#libs/geo';
import type { RepositoryName, Tag } from '#libs/oci';
import type { RegionStatus } from '#libs/peer';
import type { PlacedPolicy } from '#libs/registry';
import { type Clock, Notifier } from '#libs/resilience';
import type { AwakeTime } from './awake-time.js';
import { KnownPolicies } from './known-policies.js';

/** What the router knows of one region, for people. */
export interface KnownRegion {
  readonly region: RegionName;
  readonly role: RegionSite['role'];
  readonly health: RegionHealth;
  /** Milliseconds since it last said something good; absent if it never did. */
  readonly silentMs?: number;
  /** Whether it has everything up to the point from which the router knows single entries. */
  readonly caughtUp: boolean;
  readonly status?: RegionStatus;
}

/** Everything that the router has heard, and the decisions that follow from it. */
export class RegionKnowledge {
  readonly primary: RegionSite;
  readonly #health = new HealthView();
  readonly #freshness: Freshness;
  readonly #policies = new KnownPolicies();
  readonly #statuses = new Map<RegionName, RegionStatus>();
  readonly #news = new Notifier();

  constructor(
    readonly topology: Topology,
    private readonly time: Pick<AwakeTime, 'now'>,
  ) {
    const primary = topology.regions.find(({ role }) => role === 'primary');
    if (primary === undefined) throw new TypeError('a topology without a primary');
    this.primary = primary;
    this.#freshness = new Freshness(topology.regions.filter((site) => site !== primary).map(({ name }) => name));
  }

  /** A region spoke. That it cannot serve is a failure, however well it says so. */
  heard(region: RegionName, status: RegionStatus): void {
    this.#statuses.set(region, status);
    this.#freshness.report(region, status);
    this.#policies.follows(region, status.policySeq);
    if (status.ready) this.#health.good(region, this.time.now());
    else this.#health.failed(region);
    this.#news.notify();
  }

  failed(region: RegionName): void {
    this.#health.failed(region);
  }

  /** The primary's head, as it was when its journal began to be followed from there. */
  begin(head: number): void {
    this.#freshness.begin(head);
  }

  /** An entry exists, and touches this repository or, as far as reads go, none. */
  learn(seq: number, repository?: RepositoryName): void {
    this.#freshness.learn(seq, repository);
  }

  learnUnreadable(seq: number): void {
    this.#freshness.learnUnreadable(seq);
  }

  /** Which region has what, where the journal begins to be followed. */
  beginPolicy(placed: PlacedPolicy): void {
    this.#policies.begin(placed);
  }

  /** Which region has what, from that place in the journal on. */
  learnPolicy(placed: PlacedPolicy): void {
    this.#policies.learn(placed);
  }

  /** Where a read of a repository goes, which has to see at least the state of `minSeq`. */
  decide(client: RegionName, repository: RepositoryName, minSeq = 0, tag?: Tag): RouteDecision {
    return decideRoute(client, this.topology, {
      health: (region) => this.health(region),
      isExcluded: (region) => this.#policies.excludes(region, repository, tag),
      isFresh: (region) => this.#freshness.isFresh(region, repository, minSeq),
    });
  }

  health(region: RegionName): RegionHealth {
    return this.#health.state(region, this.time.now());
  }

  /** Resolves when a region can be used as far as is known here, or after `limitMs`. Rejects with the signal's reason. */
  async untilUsable(region: RegionName, limitMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const endMs = clock.monotonic() + limitMs;
    for (;;) {
      const { version } = this.#news;
      const leftMs = endMs - clock.monotonic();
      if (this.health(region) !== 'unhealthy' || leftMs <= 0) return;
      await this.#news.waitFor(version, { limitMs: leftMs, clock, signal });
    }
  }

  /** Whether there is any region at all that a request could be sent to. */
  get usable(): boolean {
    return this.topology.regions.some(({ name, role }) => {
      const health = this.health(name);
      return role === 'primary' ? health !== 'unhealthy' : health === 'healthy';
    });
  }

  get regions(): readonly KnownRegion[] {
    return this.topology.regions.map((site) => this.#known(site));
  }

  #known({ name, role }: RegionSite): KnownRegion {
    const silentMs = this.#health.silentMs(name, this.time.now());
    const status = this.#statuses.get(name);
    const floor = this.#freshness.floor;
    return {
      region: name,
      role,
      health: this.health(name),
      ...(silentMs === undefined ? {} : { silentMs: Math.round(silentMs) }),
      caughtUp: role === 'primary' || (floor !== undefined && (this.#freshness.watermark(name) ?? -1) >= floor),
      ...(status === undefined ? {} : { status }),
    };
  }
}
