import { SeededRandom } from '#libs/resilience/testing';
import { deletedManifests, holes } from '../checkers/final-state.js';
import { History } from '../checkers/history.js';
import { CHECKERS, type Evidence, type Violation } from '../checkers/index.js';
import { readJournalState } from '../checkers/journal-state.js';
import { type RegionState, readRegionState } from '../checkers/region-state.js';
import { progressIsTrue } from '../checkers/status-truth.js';
import { PRIMARY, REGIONS, SimulatedCluster } from './cluster.js';
import { FaultInjector } from './fault-injector.js';
import { drawFaultPlan } from './fault-plan.js';
import { forbidRealTime } from './forbid-real-time.js';
import { Nemesis } from './nemesis.js';
import type { PlantedBug } from './planted-bugs.js';
import { Scheduler } from './scheduler.js';
import { Trace } from './trace.js';
import { Workload } from './workload.js';

/** Virtual time for the clients' work; faults go on all the while. */
const WORK_LIMIT_MS = 15 * 60_000;

/** I4: 30 s after the last fault every region is like the primary. The bytes of a simulation weigh nothing. */
const CONVERGENCE_LIMIT_MS = 30_000;

/** With a window of a single entry a region takes one sweep for each entry that another worker's copy was for. */
const SWEEP_MS = 2_000;

const FINAL_READS_LIMIT_MS = 5 * 60_000;

/** How often the buckets are looked into while everything goes on. */
const LOOK_MS = 5_000;

export interface SeedRun {
  readonly seed: number;
  readonly traceHash: string;
  readonly operations: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
}

export interface SeedOptions {
  readonly seed: number;
  readonly operations: number;
  readonly bug?: PlantedBug;
  readonly traceLines?: number;
}

/** One world: lets it live, heals it, and holds what came of it against the invariants. */
export async function runSeed({ seed, operations, bug, traceLines = 60 }: SeedOptions): Promise<SeedRun> {
  const release = forbidRealTime();
  try {
    const random = new SeededRandom(seed);
    const scheduler = new Scheduler();
    const trace = new Trace(scheduler, traceLines);
    const plan = drawFaultPlan(random, operations);
    trace.say('plan', JSON.stringify(plan));
    const faults = new FaultInjector(random, plan);
    const cluster = new SimulatedCluster({ scheduler, random, trace }, faults, bug);
    const history = new History(() => scheduler.nowMs);
    const violations = await live(cluster, history);
    return {
      seed,
      traceHash: trace.digest(),
      operations: history.operations.length,
      faults: faults.counts,
      virtualMs: scheduler.nowMs,
      violations,
      trace: trace.last(traceLines),
    };
  } finally {
    release();
  }
}

async function live(cluster: SimulatedCluster, history: History): Promise<readonly Violation[]> {
  const { scheduler } = cluster.universe;
  const workload = new Workload(cluster, history, cluster.faults.plan);
  const nemesis = new Nemesis(cluster);
  const look = new LookInto(cluster, history);
  cluster.start();
  nemesis.start();
  workload.start();
  look.start();
  const finished = await scheduler.run(WORK_LIMIT_MS, () => workload.done);
  nemesis.stop();
  cluster.faults.heal();
  cluster.network.healAll();
  cluster.revive();
  const healedMs = scheduler.nowMs;
  cluster.universe.trace.say('nemesis', 'everything heals');
  let converged = false;
  void untilConverged(cluster).then(() => {
    converged = true;
  });
  await scheduler.run(healedMs + CONVERGENCE_LIMIT_MS + (await backlogMs(cluster)), () => converged);
  look.stop();
  let read = false;
  void workload.finalReads().finally(() => {
    read = true;
  });
  const answered = await scheduler.run(scheduler.nowMs + FINAL_READS_LIMIT_MS, () => read);
  const evidence = await gather(cluster, history);
  const stuck = [
    ...(finished ? [] : [{ checker: 'progress', what: 'clients did not come to an end' }]),
    ...(answered ? [] : [{ checker: 'progress', what: 'the last reads were not answered' }]),
    ...(serves(cluster) ? [] : [{ checker: 'progress', what: 'no process of the primary came up' }]),
  ];
  return [...stuck, ...look.violations, ...CHECKERS.flatMap((check) => check(evidence))];
}

/** Without it every promise would be kept, for nothing would be promised. */
function serves(cluster: SimulatedCluster): boolean {
  return cluster.region(PRIMARY).registries.size > 0;
}

/** The invariants that must hold at every moment, looked at now and then while everything goes on. */
class LookInto {
  readonly violations: Violation[] = [];
  #stopped = false;

  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly history: History,
  ) {}

  start(): void {
    void this.#watch();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #watch(): Promise<void> {
    const { random } = this.cluster.universe;
    while (!this.#stopped && this.violations.length === 0) {
      await this.cluster.network.pause(random.next() * 2 * LOOK_MS);
      const { journal, regions, operations } = await gather(this.cluster, this.history);
      for (const [region, state] of regions) {
        this.violations.push(...progressIsTrue(region, state, journal));
        const deleted = deletedManifests({ journal, operations });
        this.violations.push(
          ...holes(state, deleted).map((what) => ({ checker: 'C4 closure, meanwhile', what: `${region}: ${what}` })),
        );
      }
    }
  }
}

/** What a backlog adds to the time that a region has, when its window is tiny. */
async function backlogMs(cluster: SimulatedCluster): Promise<number> {
  const { entries } = await readJournalState(cluster.region(PRIMARY).store);
  const states = await Promise.all(REGIONS.map((name) => readRegionState(cluster.region(name).store)));
  const behind = Math.max(...states.map(({ watermark }) => entries.length - watermark));
  return (behind * SWEEP_MS) / cluster.faults.plan.windowEntries;
}

async function untilConverged(cluster: SimulatedCluster): Promise<void> {
  for (;;) {
    const { entries } = await readJournalState(cluster.region(PRIMARY).store);
    const states = await Promise.all(REGIONS.map((name) => readRegionState(cluster.region(name).store)));
    if (states.every(({ watermark }) => watermark === entries.length)) return;
    await cluster.network.pause(1_000);
  }
}

async function gather(cluster: SimulatedCluster, history: History): Promise<Evidence> {
  const regions = new Map<string, RegionState>();
  for (const name of REGIONS) regions.set(name, await readRegionState(cluster.region(name).store));
  const journal = await readJournalState(cluster.region(PRIMARY).store);
  return { operations: history.operations, journal, primary: PRIMARY, regions };
}
