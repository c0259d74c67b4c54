import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRegionName as nameOf } from '#libs/geo';
import { systemClock, systemRandom } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { ObjectStore } from '#libs/storage';
import { Guard } from '../../apps/simulator/src/cluster/guard.js';
import type { ProcessSpec } from '../../apps/simulator/src/cluster/process-spec.js';
import { answersOk } from '../../apps/simulator/src/cluster/readiness.js';
import { findRedis, redisProcess } from '../../apps/simulator/src/cluster/redis-process.js';
import type { Link } from '../../apps/simulator/src/wan/link.js';
import { WideAreaNetwork } from '../../apps/simulator/src/wan/wide-area-network.js';
import { withToolsOnPath } from '../../scripts/lib/tool-cache.mjs';
import { freePortBase } from '../support/ports.js';
import { ROOT } from '../support/process.js';
import { Balancer } from './balancer.js';
import { type Bucket, makeBucket, type StorageKind } from './bucket.js';
import { FaultyProxy, HASHED_IN_STORE } from './faulty-proxy.js';
import { Places, PORTS_NEEDED, REGIONS, urlOf } from './places.js';
import { type ConfigSource, regionConfig, routerConfig } from './region-config.js';
import { type Part, Seat } from './seat.js';

export interface WorldOptions {
  readonly seed: number;
  readonly storage: StorageKind;
  readonly routerMode: 'redirect' | 'proxy';
  /** Whether somebody stands before each MinIO who can make its answers wrong: for the others that is work for nothing. */
  readonly storeProxies: boolean;
  /** Whether somebody stands at the end of each line between regions who can make answers wrong. */
  readonly peerProxies: boolean;
  readonly gcGraceMs: number | undefined;
}

const LINE = { roundTripMs: 10, megabitsPerSecond: 200 };
const NEAR = { roundTripMs: 0, megabitsPerSecond: 10_000 };
const STOP_MS = 8_000;
const RAW_KEY_BYTES = 32;
/** What regions give each other, and check. */
const HASHED_BY_REGIONS = /^\/_meridian\/v1\/(blobs|copies|manifests)\b/;
/** The lane of a line to a region's Redis. */
export const REDIS = 'redis';
export const ROUTER = 'router';
export const CLIENTS = 'clients';

/** Three regions as processes, with everything between them in our hands. */
export class World {
  readonly seats: Seat[] = [];
  /** Before the stores of regions. */
  readonly proxies = new Map<string, FaultyProxy>();
  /** Before regions, as other regions see them. */
  readonly peers = new Map<string, FaultyProxy>();
  readonly network = new WideAreaNetwork(systemClock);
  readonly #balancers: Balancer[] = [];
  readonly #guard = new Guard(`${ROOT}dist/apps/simulator/src/cluster/watchdog.js`);
  readonly #buckets = new Map<string, Bucket>();

  private constructor(
    readonly directory: string,
    readonly places: Places,
    readonly options: WorldOptions,
    private readonly signal: AbortSignal,
  ) {}

  /** Rejects when not everything becomes ready; nothing is left then. */
  static async start(options: WorldOptions, signal: AbortSignal): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'meridian-nemesis-'));
    const world = new World(directory, new Places(await freePortBase(PORTS_NEEDED)), options, signal);
    try {
      await world.#begin();
      return world;
    } catch (error) {
      await world.stop({ keep: !signal.aborted });
      throw error;
    }
  }

  seatsOf(part: Part, region?: string): readonly Seat[] {
    return this.seats.filter((seat) => seat.part === part && (region === undefined || seat.region === region));
  }

  link(from: string, to: string): Link {
    const link = this.network.find(from, to);
    if (link === undefined) throw new Error(`there is no line from ${from} to ${to}`);
    return link;
  }

  redisUrl(region: string): string {
    return `redis://127.0.0.1:${this.places.region(indexOf(region)).redis}`;
  }

  /** Where a client of `home` reaches a region, or the router. */
  urlFor(home: string, via: string): string {
    if (via === ROUTER) return urlOf(this.places.clientsToRouter(indexOf(home)));
    const { front } = this.places.region(indexOf(via));
    return urlOf(home === via ? front : this.places.relay(indexOf(home), indexOf(via)));
  }

  /** Operators' ports of the registries of a region. */
  adminUrls(region: string): readonly string[] {
    return this.places.region(indexOf(region)).registries.map(({ operator }) => urlOf(operator));
  }

  async openBucket(region: string): Promise<ObjectStore> {
    const bucket = this.#buckets.get(region);
    if (bucket === undefined) throw new Error(`${region} has no bucket`);
    return bucket.open();
  }

  async stop({ keep }: { readonly keep: boolean }): Promise<void> {
    const order: readonly Part[] = ['router', 'replicator', 'registry', 'redis', 'minio'];
    for (const link of this.network.links) link.restore();
    for (const part of order) await Promise.all(this.seatsOf(part).map((seat) => seat.stop()));
    await Promise.all([...this.proxies.values(), ...this.peers.values()].map((proxy) => proxy.close()));
    await Promise.all(this.#balancers.map((balancer) => balancer.close()));
    await this.network.close();
    await this.#guard.close();
    if (!keep) await rm(this.directory, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    for (const part of ['logs', 'config', 'redis', 'store']) await mkdir(join(this.directory, part));
    const environment = cleanEnvironment();
    const redis = await findRedis(environment);
    for (const [index, region] of REGIONS.entries()) {
      const ports = this.places.region(index);
      const bucket = await makeBucket(this.options.storage, {
        region,
        ports,
        directory: join(this.directory, 'store', region),
        behindProxy: this.options.storeProxies,
        logFile: this.#log(`${region}-minio`),
        environment,
        writeSecret: (name, text) => this.#write(name, text),
      });
      this.#buckets.set(region, bucket);
      if (bucket.process !== undefined) {
        this.#sit('minio', region, bucket.process);
      }
      if (bucket.process !== undefined && this.options.storeProxies) {
        const proxy = new FaultyProxy(ports.store, HASHED_IN_STORE, this.#chance(31, index), systemClock);
        this.proxies.set(region, proxy);
        await proxy.listen(ports.storeProxy);
      }
      const directory = join(this.directory, 'redis', region);
      await mkdir(directory);
      const place = { name: `${region}-redis`, port: ports.redis, directory, logFile: this.#log(`${region}-redis`) };
      this.#sit('redis', region, redisProcess(redis, { ...place, environment, clock: systemClock }));
    }
    await this.#openLines();
    await Promise.all(this.seats.map((seat) => seat.start(this.signal)));
    await this.#sitApps();
    await Promise.all(this.seats.map((seat) => (seat.isReady ? undefined : seat.start(this.signal))));
  }

  async #sitApps(): Promise<void> {
    const key = Buffer.from(systemRandom.bytes(RAW_KEY_BYTES)).toString('hex');
    const source: ConfigSource = {
      places: this.places,
      clusterKeyFile: await this.#write('cluster-key', key),
      storages: [...this.#buckets.values()].map(({ section }) => section),
      routerMode: this.options.routerMode,
      spoolDirectory: join(this.directory, 'spool'),
      gcGraceMs: this.options.gcGraceMs,
    };
    for (const [index, region] of REGIONS.entries()) {
      const { registries, replicator } = this.places.region(index);
      for (const [number, place] of registries.entries())
        await this.#sitApp(
          'registry',
          region,
          `${region}-registry-${number + 1}`,
          place.operator,
          regionConfig(source, index, place),
        );
      const config = regionConfig(source, index, replicator);
      await this.#sitApp('replicator', region, `${region}-replicator`, replicator.operator, config);
    }
    await this.#sitApp('router', ROUTER, 'router', this.places.routerOperator, routerConfig(source));
  }

  async #sitApp(app: Part, region: string, name: string, operator: number, config: object): Promise<void> {
    const configFile = await this.#write(`${name}.json`, JSON.stringify(config, undefined, 2));
    this.#sit(app, region, {
      name,
      command: process.execPath,
      args: [`${ROOT}dist/apps/${app}/src/main.js`],
      environment: {
        ...cleanEnvironment(),
        MERIDIAN_CONFIG: configFile,
        MERIDIAN_EXIT_WITH_PARENT: '1',
        // A warning without a place in its log helps nobody.
        NODE_OPTIONS: '--trace-warnings',
      },
      directory: this.directory,
      logFile: this.#log(name),
      isReady: (signal) => answersOk(`${urlOf(operator)}/health/ready`, systemClock, signal),
      stopMs: STOP_MS,
    });
  }

  async #openLines(): Promise<void> {
    const { places, network } = this;
    for (const [from, region] of REGIONS.entries()) {
      const ports = places.region(from);
      const balancer = new Balancer(ports.registries.map(({ port }) => port));
      this.#balancers.push(balancer);
      await balancer.listen(ports.front);
      if (this.options.peerProxies) {
        const peer = new FaultyProxy(ports.front, HASHED_BY_REGIONS, this.#chance(37, from), systemClock);
        this.peers.set(region, peer);
        await peer.listen(ports.peerProxy);
      }
      for (const [to, other] of REGIONS.entries()) {
        if (from === to) continue;
        const link = network.addLink(nameOf(region), nameOf(other), LINE);
        const { front, peerProxy } = places.region(to);
        const targetPort = this.options.peerProxies ? peerProxy : front;
        await network.addRelay(link, { listenPort: places.relay(from, to), targetPort });
      }
      const redis = network.addLink(nameOf(region), nameOf(REDIS), NEAR);
      await network.addRelay(redis, { listenPort: ports.redisRelay, targetPort: ports.redis });
      const routed = network.addLink(nameOf(ROUTER), nameOf(region), from === 0 ? NEAR : LINE);
      await network.addRelay(routed, { listenPort: places.routerToRegion(from), targetPort: ports.front });
      const asking = network.addLink(nameOf(CLIENTS), nameOf(`${ROUTER}-${region}`), from === 0 ? NEAR : LINE);
      await network.addRelay(asking, { listenPort: places.clientsToRouter(from), targetPort: places.router });
    }
  }

  #sit(part: Part, region: string, spec: ProcessSpec): void {
    this.seats.push(new Seat(part, region, spec, systemClock, this.#guard));
  }

  #chance(purpose: number, index: number): SeededRandom {
    return new SeededRandom(this.options.seed * purpose + index);
  }

  #log(name: string): string {
    return join(this.directory, 'logs', `${name}.log`);
  }

  async #write(name: string, text: string): Promise<string> {
    const file = join(this.directory, 'config', name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }
}

function indexOf(region: string): number {
  return (REGIONS as readonly string[]).indexOf(region);
}

/** What children inherit: everything but settings of Meridian. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(withToolsOnPath()).filter(([name]) => !name.startsWith('MERIDIAN_')));
}
