import { parseRegionName, type RegionName, type Topology } from '#libs/geo';
import type { Collections } from '#libs/registry';
import { type HeardRegion, MemoryQueueJobs } from '#libs/replication';
import type { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import type { LostBucket } from '../checkers/index.js';
import { ArchivedStore } from './archived-store.js';
import type { FaultInjector } from './fault-injector.js';
import { Network } from './network.js';
import { bugged, type PlantedBug } from './planted-bugs.js';
import { RegionBus } from './region-bus.js';
import { openRegistry, type RegistryProcess } from './registry-process.js';
import { openReplicator, type ReplicatorProcess } from './replicator-process.js';
import { RouterProcess } from './router-process.js';
import { SimulatedPeer } from './simulated-peer.js';
import { SimulatedProcess, type Universe } from './simulated-process.js';
import { SimulatedStore } from './simulated-store.js';

export const PRIMARY = parseRegionName('eu');
export const REGIONS: readonly RegionName[] = [PRIMARY, parseRegionName('us'), parseRegionName('ap')];
export const ROUTER = 'router';

/** How long a process that could not begin waits before it is started again. */
const RESTART_MS = 400;

/** A queue takes a job from a worker that is gone after a while. */
const LOCK_LOST_MS = 3_000;

/** A place for a process: whatever runs there, one after the other. */
interface Seat {
  readonly name: string;
  readonly start: (process: SimulatedProcess) => Promise<void>;
  process: SimulatedProcess | undefined;
  runs: number;
  /** Kept down on purpose until the fault ends. */
  held: boolean;
}

export interface SimulatedRegion {
  readonly name: RegionName;
  /** The truth: what the bucket holds, whoever lives. */
  readonly store: MemoryObjectStore;
  readonly bus: RegionBus;
  readonly jobs: MemoryQueueJobs;
  readonly registries: Map<string, RegistryProcess>;
  readonly replicators: Map<string, ReplicatorProcess>;
  readonly seats: Seat[];
}

/** Three regions and a router, in one process, on virtual time. */
export class SimulatedCluster {
  readonly regions = new Map<RegionName, SimulatedRegion>();
  readonly network: Network;
  readonly routerSeat: Seat;
  router: RouterProcess | undefined;
  /** Buckets that were emptied. */
  readonly lost: LostBucket[] = [];
  readonly #balancer: SeededRandom;
  readonly #queues: SeededRandom;

  constructor(
    readonly universe: Universe,
    readonly faults: FaultInjector,
    readonly bug: PlantedBug | undefined,
  ) {
    this.#balancer = universe.chance.of('balancer');
    this.#queues = universe.chance.of('queues');
    this.network = new Network(universe, faults);
    const clock = new SimulatedProcess('store', universe).clock;
    for (const name of REGIONS) {
      const region: SimulatedRegion = {
        name,
        store: name === PRIMARY ? new ArchivedStore({ clock }) : new MemoryObjectStore({ clock }),
        bus: new RegionBus(faults),
        jobs: new MemoryQueueJobs(),
        registries: new Map(),
        replicators: new Map(),
        seats: [],
      };
      this.regions.set(name, region);
      const { primaryNodes, replicators } = faults.plan;
      const nodes = name === PRIMARY ? primaryNodes : 1;
      for (let node = 0; node < nodes; node += 1) this.#addRegistry(region, node);
      for (let worker = 0; worker < replicators; worker += 1) this.#addReplicator(region, worker);
    }
    this.routerSeat = this.#seat(ROUTER, async (process) => {
      this.router = new RouterProcess(
        process,
        topology,
        REGIONS.map((to) => this.#peer(process, ROUTER, to)),
        this.bug === 'router-ignores-freshness',
      );
    });
  }

  start(): void {
    for (const seat of this.seats) this.#run(seat);
  }

  get seats(): readonly Seat[] {
    return [...[...this.regions.values()].flatMap(({ seats }) => seats), this.routerSeat];
  }

  region(name: RegionName): SimulatedRegion {
    const region = this.regions.get(name);
    if (region === undefined) throw new Error(`no region ${name}`);
    return region;
  }

  /** What the primary knows of other regions: what they have stored, as long as their line is whole. */
  #heard(): readonly HeardRegion[] {
    return REGIONS.filter((name) => name !== PRIMARY).map((name) => {
      const status = [...this.region(name).registries.values()][0]?.status.current();
      if (status === undefined || this.network.isCut(name, PRIMARY)) return { region: name, silent: true };
      return { region: name, status, silent: false };
    });
  }

  /** A replica is lost with all that it stored, and begins in an empty bucket. */
  lose(name: RegionName, downMs: number): void {
    const { seats, store, jobs } = this.region(name);
    this.lost.push({ region: name, atMs: this.universe.scheduler.nowMs });
    for (const seat of seats) this.crash(seat, downMs);
    store.clear();
    jobs.lose();
  }

  /** A living registry process of a region, as a balancer would choose one. */
  pick(name: RegionName): RegistryProcess | undefined {
    const living = [...this.region(name).registries.values()].filter(({ process }) => process.alive);
    return living[this.#balancer.below(living.length)];
  }

  /** The collections of a region's living processes. */
  collectors(name: RegionName): readonly Collections[] {
    const { registries, replicators } = this.region(name);
    return [...registries.values(), ...replicators.values()].flatMap(({ collections, process }) =>
      collections === undefined || !process.alive ? [] : [collections],
    );
  }

  /** Ends a process as `kill -9` does, and starts it again after a while. */
  crash(seat: Seat, downMs: number): void {
    if (seat.process === undefined) return;
    seat.process.crash();
    seat.process = undefined;
    seat.held = true;
    this.universe.scheduler.after(downMs, () => {
      seat.held = false;
      this.#run(seat);
    });
  }

  /** Starts what is down, now. */
  revive(): void {
    for (const seat of this.seats) {
      seat.held = false;
      this.#run(seat);
    }
  }

  #run(seat: Seat): void {
    if (seat.process !== undefined || seat.held) return;
    seat.runs += 1;
    const skew = this.faults.plan.clockSkewMs;
    const offset =
      skew === 0
        ? 0
        : Math.floor((this.universe.chance.of(`clock of ${seat.name} ${seat.runs}`).next() - 0.5) * 2 * skew);
    const process = new SimulatedProcess(`${seat.name}#${seat.runs}`, this.universe, offset);
    seat.process = process;
    seat.start(process).catch((error: unknown) => {
      this.universe.trace.say(process.name, `could not begin: ${String(error)}`);
      process.crash();
      seat.process = undefined;
      this.universe.scheduler.after(RESTART_MS, () => this.#run(seat));
    });
  }

  #seat(name: string, start: Seat['start']): Seat {
    return { name, start, process: undefined, runs: 0, held: false };
  }

  #addRegistry(region: SimulatedRegion, node: number): void {
    const { name } = region;
    const { faults } = this;
    const seatName = `${name}-registry${node}`;
    const seat = this.#seat(seatName, async (process) => {
      const store = this.#store(region, process);
      const origin = name === PRIMARY ? undefined : this.#peer(process, name, PRIMARY);
      const opened = await openRegistry({
        region: name,
        process,
        store,
        bus: region.bus.join(process),
        origin,
        heard: () => this.#heard(),
        faults,
      });
      region.registries.set(seatName, bugged.registry(this.bug, opened));
      this.universe.trace.say(process.name, 'ready');
      process.onCrash(() => region.registries.delete(seatName));
    });
    region.seats.push(seat);
  }

  #addReplicator(region: SimulatedRegion, worker: number): void {
    const { name, jobs, bus } = region;
    const seatName = `${name}-worker${worker}`;
    const seat = this.#seat(seatName, async (process) => {
      process.onCrash(() => this.loseLocks(region));
      const others = REGIONS.filter((other) => other !== name);
      const peers = name === PRIMARY ? [] : others.map((to) => this.#peer(process, name, to));
      const primary = peers.find((peer) => peer.region === PRIMARY);
      const store = this.#store(region, process, 'replicator');
      const { faults } = this;
      const options = { region: name, process, store, bus: bus.join(process), faults, jobs, peers, primary };
      region.replicators.set(seatName, await openReplicator(bugged.replicator(this.bug, options)));
      process.onCrash(() => region.replicators.delete(seatName));
    });
    region.seats.push(seat);
  }

  /** Jobs of workers that are gone, or seem so, are given to others: some then run twice. */
  loseLocks({ jobs, name }: SimulatedRegion): void {
    const held = [...jobs.active];
    this.universe.scheduler.after(this.#queues.next() * LOCK_LOST_MS, () => {
      this.universe.trace.say(`${name}-queue`, `locks lost: ${held.length}`);
      for (const digest of held) jobs.end({ digest, size: 0, priority: 1 });
    });
  }

  #store(region: SimulatedRegion, process: SimulatedProcess, kind: 'registry' | 'replicator' = 'registry') {
    const store = new SimulatedStore(region.store, process, this.faults.of(process.name));
    return bugged.store(this.bug, store, { region: region.name, kind, clock: process.clock });
  }

  #peer(caller: SimulatedProcess, from: string, to: RegionName): SimulatedPeer {
    return new SimulatedPeer(to, { network: this.network, from, caller, pick: () => this.pick(to) });
  }
}

const topology: Topology = {
  regions: REGIONS.map((name) => ({
    name,
    role: name === PRIMARY ? 'primary' : 'replica',
    publicUrl: `http://${name}.registry.test`,
    peerUrl: `http://${name}.registry.test`,
  })),
  roundTripMs: { eu: { us: 80, ap: 160 }, us: { ap: 120 } } as unknown as Topology['roundTripMs'],
  clientNetworks: [],
  defaultRegion: PRIMARY,
};
