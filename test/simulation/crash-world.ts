import { Readable } from 'node:stream';
import { parseRegionName } from '#libs/geo';
import { MemoryQueueJobs } from '#libs/replication';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { Chance } from './chance.js';
import { PRIMARY } from './cluster.js';
import { FaultInjector } from './fault-injector.js';
import { drawFaultPlan } from './fault-plan.js';
import { Network } from './network.js';
import { RegionBus } from './region-bus.js';
import { openRegistry, type RegistryProcess } from './registry-process.js';
import { openReplicator } from './replicator-process.js';
import { Scheduler } from './scheduler.js';
import { Script } from './script.js';
import { SimulatedPeer } from './simulated-peer.js';
import { SimulatedProcess, type Universe } from './simulated-process.js';
import { Trace } from './trace.js';

const REPLICA = parseRegionName('us');

/** Virtual time that a step may take; a crash ends it sooner. */
const STEP_LIMIT_MS = 60_000;

const NOTHING_BY_ITSELF = { gcIntervalMs: 0, snapshotPauseMs: 0, steerPauseMs: 0, damages: 0 };

/** Two regions without faults of their own: what goes wrong is in the stores that a test gives to its processes. */
export class CrashWorld {
  readonly primaryStore: ObjectStore;
  readonly replicaStore: ObjectStore;
  readonly #universe: Universe;
  readonly #faults: FaultInjector;
  readonly #network: Network;
  #primary: RegistryProcess | undefined;
  #serial = 0;

  constructor() {
    const [chance, script] = [new Chance(1), new Script()];
    const scheduler = new Scheduler();
    this.#universe = { scheduler, chance, script, trace: new Trace(scheduler) };
    this.#faults = new FaultInjector(this.#universe, { ...drawFaultPlan(chance.of('plan'), 0), ...NOTHING_BY_ITSELF });
    this.#faults.heal();
    this.#network = new Network(this.#universe, this.#faults);
    const { clock } = this.#process('store');
    this.primaryStore = new MemoryObjectStore({ clock });
    this.replicaStore = new MemoryObjectStore({ clock });
  }

  get nowMs(): number {
    return this.#universe.scheduler.nowMs;
  }

  /** Starts the primary's process on a store that leads to `primaryStore`; the one before it is gone. */
  async startPrimary(store: ObjectStore = this.primaryStore): Promise<RegistryProcess> {
    this.#primary?.process.crash();
    this.#primary = undefined;
    const process = this.#process('primary');
    const bus = new RegionBus(this.#faults).join(process);
    this.#primary = await openRegistry({
      region: PRIMARY,
      process,
      store,
      bus,
      origin: undefined,
      heard: () => [],
      faults: this.#faults,
    });
    return this.#primary;
  }

  /** Starts the replica's worker; the primary has to run. */
  async startReplicator(store: ObjectStore = this.replicaStore): Promise<{ readonly stop: () => void }> {
    const process = this.#process('worker');
    const pick = (): RegistryProcess | undefined => this.#primary;
    const primary = new SimulatedPeer(PRIMARY, { network: this.#network, from: REPLICA, caller: process, pick });
    const bus = new RegionBus(this.#faults).join(process);
    const { jobs, faults } = { jobs: new MemoryQueueJobs(), faults: this.#faults };
    await openReplicator({ region: REPLICA, process, store, bus, faults, jobs, peers: [primary], primary });
    return { stop: () => process.crash() };
  }

  /** Lets time pass until `work` has settled or `over` says that it never will. @returns whether it was done well */
  async run(work: () => Promise<unknown>, over: () => boolean = () => false): Promise<'done' | 'failed' | 'never'> {
    let end: 'done' | 'failed' | 'never' = 'never';
    work().then(
      () => {
        end = 'done';
      },
      () => {
        end = 'failed';
      },
    );
    const { scheduler } = this.#universe;
    await scheduler.run(scheduler.nowMs + STEP_LIMIT_MS, () => end !== 'never' || over());
    return end;
  }

  /** Lets time pass until `condition` holds. */
  async until(condition: () => Promise<boolean>): Promise<boolean> {
    const poll = async (): Promise<void> => {
      while (!(await condition())) await this.#network.pause(50);
    };
    return (await this.run(poll)) === 'done';
  }

  #process(name: string): SimulatedProcess {
    this.#serial += 1;
    return new SimulatedProcess(`${name}#${this.#serial}`, this.#universe);
  }
}

export function bodyOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}
