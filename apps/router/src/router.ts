import type { Logger } from 'pino';
import { ClientRegions, deriveClusterKey, type RegionName, type RouteDecision } from '#libs/geo';
import type { RepositoryName } from '#libs/oci';
import { HttpPeerClient } from '#libs/peer';
import type { Config } from '#libs/platform';
import { type Clock, type Random, withDeadline } from '#libs/resilience';
import { GrantedTargets } from './granted-target.js';
import { HealthWatch } from './health-watch.js';
import { PublicServer } from './public-server.js';
import { RegionFeeds } from './region-feed.js';
import { type KnownRegion, RegionKnowledge } from './region-knowledge.js';
import { RouterHandler } from './router-handler.js';
import type { RouterMetrics } from './router-metrics.js';
import { Upstream } from './upstream.js';

export interface RouterOptions {
  readonly config: Config;
  /** What is in the cluster's key file. */
  readonly clusterSecret: Uint8Array;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/** The router, put together: ears, memory and mouth. */
export class Router {
  readonly #knowledge: RegionKnowledge;
  readonly #clients: ClientRegions;
  readonly #peers: readonly HttpPeerClient[];
  readonly #feeds: RegionFeeds;
  readonly #watch: HealthWatch;
  readonly #upstream = new Upstream();
  readonly #server: PublicServer;
  readonly #stop = new AbortController();
  #listening: Promise<unknown> | undefined;
  #port = 0;

  constructor(private readonly options: RouterOptions) {
    const { config, clock, random, log, metrics } = options;
    this.#knowledge = new RegionKnowledge(config.topology, clock);
    this.#clients = new ClientRegions(config.topology, config.router);
    this.#peers = peersOf(options);
    this.#feeds = new RegionFeeds(this.#peers, this.#knowledge, clock, random, log);
    this.#watch = new HealthWatch(this.#knowledge, metrics, clock, log);
    const handler = this.#handler();
    this.#server = new PublicServer((request, response) => handler.handle(request, response));
  }

  /** The public port, once it listens. */
  get port(): number {
    return this.#port;
  }

  /** Whether requests should come here: not while it drains, and not while it could only answer 503. */
  get ready(): boolean {
    return this.#port !== 0 && !this.#stop.signal.aborted && this.#knowledge.usable;
  }

  get regions(): readonly KnownRegion[] {
    return this.#knowledge.regions;
  }

  /** Where reads of a repository would go now, for the clients of each region. */
  decisions(repository: RepositoryName): ReadonlyMap<RegionName, RouteDecision> {
    const { names } = this.#clients;
    return new Map(names.map((client) => [client, this.#knowledge.decide(client, repository)]));
  }

  /** Nest calls it when everything is put together. */
  async onApplicationBootstrap(): Promise<void> {
    const { http, router } = this.options.config;
    const { signal } = this.#stop;
    this.#listening = Promise.all([this.#feeds.follow(signal), this.#watch.watch(signal)]);
    this.#port = await this.#server.listen(http.port, http.host);
    this.options.log.info({ host: http.host, port: this.#port, mode: router.mode }, 'router listening');
  }

  /** Nest calls it on the way out: what is under way may end, within the grace that is configured. */
  async onApplicationShutdown(): Promise<void> {
    const { clock, config } = this.options;
    this.#stop.abort();
    await this.#listening;
    await withDeadline(new AbortController().signal, config.shutdown.graceMs, clock, (signal) =>
      this.#server.close(signal),
    ).catch(() => undefined); // the grace is over, and the connections were ended
    await Promise.all([this.#upstream.close(), ...this.#peers.map((peer) => peer.close())]);
  }

  #handler(): RouterHandler {
    const { config, clusterSecret, metrics, log, clock } = this.options;
    const lifeMs = config.router.grantLifeSeconds * 1_000;
    return new RouterHandler({
      mode: config.router.mode,
      anonymousAccess: config.anonymousAccess,
      knowledge: this.#knowledge,
      clients: this.#clients,
      targets: new GrantedTargets(deriveClusterKey(clusterSecret, 'grant'), lifeMs, clock),
      upstream: this.#upstream,
      metrics,
      log,
    });
  }
}

function peersOf({ config, clusterSecret, clock }: RouterOptions): readonly HttpPeerClient[] {
  const key = deriveClusterKey(clusterSecret, 'region-token');
  return config.topology.regions.map(
    ({ name, peerUrl }) => new HttpPeerClient({ region: name, origin: peerUrl, self: { kind: 'router' }, key, clock }),
  );
}
