import { ClientRegions, deriveClusterKey, type RegionName, type RouteDecision } from '#libs/geo';
import type { RepositoryName } from '#libs/oci';
import { HttpPeerClient } from '#libs/peer';
import type { AppContext } from '#libs/platform';
import { AwakeTime } from './awake-time.js';
import { GrantedTargets } from './granted-target.js';
import { HealthWatch } from './health-watch.js';
import { RegionFeeds } from './region-feed.js';
import { type KnownRegion, RegionKnowledge } from './region-knowledge.js';
import { RouterHandler } from './router-handler.js';
import { Upstream } from './upstream.js';

/** What a router is made of. */
export type RouterContext = Pick<AppContext, 'config' | 'log' | 'metrics' | 'clock' | 'random'>;

/** The router, put together: ears, memory and mouth. */
export class Router {
  readonly handler: RouterHandler;
  readonly #knowledge: RegionKnowledge;
  readonly #clients: ClientRegions;
  readonly #peers: readonly HttpPeerClient[];
  readonly #feeds: RegionFeeds;
  readonly #watch: HealthWatch;
  readonly #upstream: Upstream;
  readonly #stop = new AbortController();
  #listening: Promise<unknown> = Promise.resolve();

  /** @throws TypeError when a configured network is none */
  constructor(context: RouterContext, clusterSecret: Uint8Array) {
    const { config, clock, random, log, metrics } = context;
    const time = new AwakeTime(clock);
    this.#upstream = new Upstream(clock);
    this.#knowledge = new RegionKnowledge(config.topology, time);
    this.#clients = new ClientRegions(config.topology, config.router);
    this.#peers = peersOf(context, clusterSecret);
    this.#feeds = new RegionFeeds(this.#peers, this.#knowledge, clock, random, log);
    this.#watch = new HealthWatch(this.#knowledge, time, metrics, clock, log);
    this.handler = this.#createHandler(context, clusterSecret);
  }

  get regions(): readonly KnownRegion[] {
    return this.#knowledge.regions;
  }

  /** Where reads of a repository would go now, for the clients of each region. */
  decisions(repository: RepositoryName): ReadonlyMap<RegionName, RouteDecision> {
    const { names } = this.#clients;
    return new Map(names.map((client) => [client, this.#knowledge.decide(client, repository)]));
  }

  /** Rejects while every request could only be answered with 503: another router may see more. */
  async checkReady(): Promise<void> {
    if (!this.#knowledge.usable) throw new Error('no region can be reached');
  }

  /** Begins to listen to the regions. */
  start(): void {
    const { signal } = this.#stop;
    this.#listening = Promise.all([this.#feeds.follow(signal), this.#watch.watch(signal)]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#listening;
    await Promise.all([this.#upstream.close(), ...this.#peers.map((peer) => peer.close())]);
  }

  #createHandler({ config, metrics, log, clock }: RouterContext, clusterSecret: Uint8Array): RouterHandler {
    const lifeMs = config.router.grantLifeSeconds * 1_000;
    return new RouterHandler({
      mode: config.router.mode,
      proxyUploadsFor: config.router.proxyUploadsFor,
      anonymousAccess: config.anonymousAccess,
      knowledge: this.#knowledge,
      clients: this.#clients,
      targets: new GrantedTargets(deriveClusterKey(clusterSecret, 'grant'), lifeMs, clock),
      upstream: this.#upstream,
      metrics,
      clock,
      log,
    });
  }
}

function peersOf({ config, clock }: RouterContext, clusterSecret: Uint8Array): readonly HttpPeerClient[] {
  const key = deriveClusterKey(clusterSecret, 'region-token');
  return config.topology.regions.map(
    ({ name, peerUrl }) => new HttpPeerClient({ region: name, origin: peerUrl, self: { kind: 'router' }, key, clock }),
  );
}
