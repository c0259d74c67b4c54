import { keys } from '#libs/storage';
import { deletedManifests, holes, readable } from '../checkers/final-state.js';
import { History } from '../checkers/history.js';
import { CHECKERS, type Evidence, type Violation } from '../checkers/index.js';
import { readJournalState } from '../checkers/journal-state.js';
import { lastRules } from '../checkers/policy-kept.js';
import { type RegionState, readProgress, readRegionState } from '../checkers/region-state.js';
import { progressIsTrue } from '../checkers/status-truth.js';
import { Accidents } from './accidents.js';
import { Chance } from './chance.js';
import { PRIMARY, REGIONS, SimulatedCluster } from './cluster.js';
import { isCollecting, leaksOf } from './collecting.js';
import { damageAndRepair } from './damages.js';
import { FaultInjector } from './fault-injector.js';
import { drawFaultPlan } from './fault-plan.js';
import { forbidRealTime } from './forbid-real-time.js';
import { Nemesis } from './nemesis.js';
import { Operator } from './operator.js';
import type { PlantedBug } from './planted-bugs.js';
import { Scheduler } from './scheduler.js';
import { Script } from './script.js';
import { viewOf } from './store-view.js';
import { Trace } from './trace.js';
import { Workload } from './workload.js';

/** Virtual time for the clients' work; faults go on all the while. */
const WORK_LIMIT_MS = 15 * 60_000;

/** I4: 30 s after the last fault every region is like the primary. The bytes of a simulation weigh nothing. */
const CONVERGENCE_LIMIT_MS = 30_000;

/** With a window of a single entry a region takes one sweep for each entry that another worker's copy was for. */
const SWEEP_MS = 2_000;

const FINAL_READS_LIMIT_MS = 5 * 60_000;

/** Virtual time for the collections in the end, when nothing fails any more. */
const COLLECTION_LIMIT_MS = 20 * 60_000;

/** Virtual time for scrubs and comparisons of a few objects. */
const REPAIR_LIMIT_MS = 3 * 60_000;

/** How often the buckets are looked into while everything goes on. */
const LOOK_MS = 5_000;

export interface SeedRun {
  readonly seed: number;
  readonly traceHash: string;
  /** Every request and fault, by name, in order. */
  readonly played: readonly string[];
  readonly operations: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  readonly violations: readonly Violation[];
  /** How often invariants were held against what there was. */
  readonly checks: number;
  readonly trace: readonly string[];
}

export interface SeedOptions {
  readonly seed: number;
  readonly operations: number;
  readonly bug?: PlantedBug;
  /** Whether an operator changes the rules meanwhile. */
  readonly rules?: boolean;
  readonly traceLines?: number;
  /** Of requests and faults, those that happen; see {@link SeedRun.played}. All, if absent. */
  readonly only?: ReadonlySet<string>;
}

/** One world: lets it live, heals it, and holds what came of it against the invariants. */
export async function runSeed({ seed, operations, bug, only, rules, traceLines = 60 }: SeedOptions): Promise<SeedRun> {
  const release = forbidRealTime();
  try {
    const [chance, script] = [new Chance(seed), new Script(only)];
    const scheduler = new Scheduler();
    const trace = new Trace(scheduler, traceLines);
    const plan = drawFaultPlan(chance.of('plan'), operations, rules);
    trace.say('plan', JSON.stringify(plan));
    const universe = { scheduler, chance, script, trace };
    const faults = new FaultInjector(universe, plan);
    const cluster = new SimulatedCluster(universe, faults, bug);
    const history = new History(() => scheduler.nowMs);
    const { violations, checks } = await live(cluster, history);
    return {
      seed,
      traceHash: trace.digest(),
      played: script.played,
      operations: history.operations.length,
      faults: faults.counts,
      virtualMs: scheduler.nowMs,
      violations,
      checks,
      trace: trace.last(traceLines),
    };
  } finally {
    release();
  }
}

async function live(cluster: SimulatedCluster, history: History): Promise<Pick<SeedRun, 'violations' | 'checks'>> {
  const { scheduler } = cluster.universe;
  const workload = new Workload(cluster, history, cluster.faults.plan);
  const nemesis = new Nemesis(cluster);
  const operator = new Operator(cluster);
  const accidents = new Accidents(cluster);
  const look = new LookInto(cluster, history);
  cluster.start();
  nemesis.start();
  operator.start();
  accidents.start();
  workload.start();
  look.start();
  const finished = await scheduler.run(WORK_LIMIT_MS, () => workload.done);
  nemesis.stop();
  operator.stop();
  accidents.stop();
  cluster.faults.heal();
  cluster.network.healAll();
  cluster.revive();
  const healedMs = scheduler.nowMs;
  cluster.universe.trace.say('nemesis', 'everything heals');
  await converge(cluster, healedMs);
  look.stop();
  let read = false;
  void workload.finalReads().finally(() => {
    read = true;
  });
  const answered = await scheduler.run(scheduler.nowMs + FINAL_READS_LIMIT_MS, () => read);
  // A collection may have ended meanwhile, and its entry is on its way.
  await converge(cluster, scheduler.nowMs);
  let repaired = false;
  void damageAndRepair(cluster).then(() => {
    repaired = true;
  });
  await scheduler.run(scheduler.nowMs + REPAIR_LIMIT_MS, () => repaired);
  const evidence = await gather(cluster, history);
  let leaks: readonly Violation[] | undefined;
  void leaksOf(cluster).then((found) => {
    leaks = found;
  });
  await scheduler.run(scheduler.nowMs + COLLECTION_LIMIT_MS, () => leaks !== undefined);
  const stuck = [
    ...(finished ? [] : [{ checker: 'progress', what: 'clients did not come to an end' }]),
    ...(repaired ? [] : [{ checker: 'progress', what: 'scrubs and comparisons did not come to an end' }]),
    ...(answered ? [] : [{ checker: 'progress', what: 'the last reads were not answered' }]),
    ...(leaks !== undefined ? leaks : [{ checker: 'progress', what: 'the last collections did not end' }]),
    ...(serves(cluster) ? [] : [{ checker: 'progress', what: 'no process of the primary came up' }]),
  ];
  const violations = [...stuck, ...look.violations, ...CHECKERS.flatMap((check) => check(evidence))];
  return { violations, checks: look.checks + CHECKERS.length + REGIONS.length };
}

async function converge(cluster: SimulatedCluster, fromMs: number): Promise<void> {
  let converged = false;
  void untilConverged(cluster).then(() => {
    converged = true;
  });
  const limitMs = CONVERGENCE_LIMIT_MS + (await backlogMs(cluster));
  await cluster.universe.scheduler.run(fromMs + limitMs, () => converged);
}

/** Without it every promise would be kept, for nothing would be promised. */
function serves(cluster: SimulatedCluster): boolean {
  return cluster.region(PRIMARY).registries.size > 0;
}

/** The invariants that must hold at every moment, looked at now and then while everything goes on. */
class LookInto {
  readonly violations: Violation[] = [];
  checks = 0;
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
    const random = this.cluster.universe.chance.of('looks');
    while (!this.#stopped && this.violations.length === 0) {
      await this.cluster.network.pause(random.next() * 2 * LOOK_MS);
      if (this.#stopped) return;
      const evidence = await gather(this.cluster, this.history);
      const { journal, regions, operations } = evidence;
      for (const [region, state] of regions) {
        this.checks += 2;
        this.violations.push(...progressIsTrue(region, state, evidence));
        const deleted = deletedManifests({ journal, operations });
        this.violations.push(
          ...holes(readable(region, state), deleted).map((what) => ({
            checker: 'C4 closure, meanwhile',
            what: `${region}: ${what}`,
          })),
        );
      }
    }
  }
}

/** What a backlog adds to the time that a region has, when its window is tiny. */
async function backlogMs(cluster: SimulatedCluster): Promise<number> {
  return ((await behind(cluster)) * SWEEP_MS) / cluster.faults.plan.windowEntries;
}

async function untilConverged(cluster: SimulatedCluster): Promise<void> {
  while (!serves(cluster) || isCollecting(cluster) || (await behind(cluster)) > 0 || !(await rulesAreFollowed(cluster)))
    await cluster.network.pause(1_000);
}

/** Whether every replica says that all of it follows the rules that were made last. */
async function rulesAreFollowed(cluster: SimulatedCluster): Promise<boolean> {
  const newest = lastRules(await readJournalState(viewOf(cluster.region(PRIMARY).store)));
  const followed = REGIONS.filter((name) => name !== PRIMARY).map((name) => {
    const found = cluster.region(name).store.peek(keys.policyEnforced);
    return found === undefined ? 0 : (JSON.parse(Buffer.from(found.bytes).toString()) as { seq: number }).seq;
  });
  return followed.every((seq) => seq >= newest.seq);
}

/** How many entries the last region lacks of the journal. */
async function behind(cluster: SimulatedCluster): Promise<number> {
  const { entries } = await readJournalState(viewOf(cluster.region(PRIMARY).store));
  const stores = REGIONS.map((name) => viewOf(cluster.region(name).store));
  const watermarks = await Promise.all(stores.map(async (store) => (await readProgress(store)).watermark));
  return Math.max(...watermarks.map((watermark) => entries.length - watermark));
}

async function gather(cluster: SimulatedCluster, history: History): Promise<Evidence> {
  const regions = new Map<string, RegionState>();
  for (const name of REGIONS) regions.set(name, await readRegionState(viewOf(cluster.region(name).store)));
  const journal = await readJournalState(viewOf(cluster.region(PRIMARY).store));
  const { gcGraceMs: graceMs, snapshotPauseMs } = cluster.faults.plan;
  const { lost } = cluster;
  const refilled = snapshotPauseMs > 0 ? REGIONS.filter((name) => name !== PRIMARY) : [];
  return { operations: history.operations, journal, primary: PRIMARY, regions, graceMs, lost, refilled };
}
