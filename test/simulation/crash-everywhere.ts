import { FaultyObjectStore, faultAt } from '#libs/storage/testing';
import { differences, holes, refilled } from '../checkers/final-state.js';
import { readJournalState } from '../checkers/journal-state.js';
import { type RegionState, readRegionState } from '../checkers/region-state.js';
import { progressIsTrue } from '../checkers/status-truth.js';
import { afterwards, type CrashScenario, everything, type ScenarioPrimary } from './crash-scenarios.js';
import { CrashWorld } from './crash-world.js';
import type { RegistryProcess } from './registry-process.js';

export type Moment = 'crash' | 'crash_after';
export const MOMENTS: readonly Moment[] = ['crash', 'crash_after'];

const forever = new AbortController().signal;

/** What dies is there again within this time, once it is started. */
const READY_AGAIN_MS = 5_000;

/** How many store writes a scenario makes, the start of the process included: as many crashes to be survived. */
export async function countWrites(scenario: CrashScenario): Promise<number> {
  const world = await prepared(scenario);
  const store = new FaultyObjectStore(world.primaryStore);
  await world.run(async () => scenario.act(primaryOf(await world.startPrimary(store))));
  return store.calls.length;
}

/** Kills the primary just before or after its `number`th write, starts it again, and says what is wrong then. */
export async function crashPrimary(
  scenario: CrashScenario,
  number: number,
  moment: Moment,
): Promise<readonly string[]> {
  const [before, after] = await bothStates(scenario);
  const world = await prepared(scenario);
  const store = new FaultyObjectStore(world.primaryStore, faultAt(number, { kind: moment }));
  let crashed = false;
  void store.crashed.then(() => {
    crashed = true;
  });
  const end = await world.run(
    async () => scenario.act(primaryOf(await world.startPrimary(store))),
    () => crashed,
  );
  const problems = holes(await readRegionState(world.primaryStore), new Set()).map((what) => `at once: ${what}`);

  const downMs = world.nowMs;
  const again = await world.run(() => world.startPrimary());
  if (again !== 'done') return [...problems, 'it does not start again'];
  if (world.nowMs - downMs > READY_AGAIN_MS) problems.push(`it is ready after ${world.nowMs - downMs} ms`);
  const visible = summary(await readRegionState(world.primaryStore), scenario);
  if (end === 'done' && visible !== after) problems.push('what was acknowledged is not there');
  if (end !== 'done' && visible !== before && visible !== after) problems.push(`half of it is there: ${visible}`);

  const retried = await world.run(async () => scenario.act(primaryOf(await world.startPrimary())));
  if (retried !== 'done') problems.push('it cannot be repeated');
  const last = await readRegionState(world.primaryStore);
  if (summary(last, scenario) !== after)
    problems.push(`repeated, it is not as it should be: ${summary(last, scenario)}`);
  return [...problems, ...holes(last, new Set()), ...(await readJournalState(world.primaryStore)).damage];
}

/** How a replica comes by what there is: entry by entry, or from a snapshot and the entries behind it. */
export type ReplicaStart = 'journal' | 'snapshot';
export const REPLICA_STARTS: readonly ReplicaStart[] = ['journal', 'snapshot'];

/** How many store writes a replica's worker makes to get everything. */
export async function countReplicaWrites(from: ReplicaStart): Promise<number> {
  const world = await fullPrimary(from);
  const store = new FaultyObjectStore(world.replicaStore);
  await world.run(() => world.startReplicator(store));
  await world.until(() => caughtUp(world));
  return store.calls.length;
}

/** Kills a replica's worker just before or after its `number`th write; another one has to finish. */
export async function crashReplicator(from: ReplicaStart, number: number, moment: Moment): Promise<readonly string[]> {
  const world = await fullPrimary(from);
  const store = new FaultyObjectStore(world.replicaStore, faultAt(number, { kind: moment }));
  let crashed = false;
  void store.crashed.then(() => {
    crashed = true;
  });
  let worker: { readonly stop: () => void } | undefined;
  await world.run(
    async () => {
      worker = await world.startReplicator(store);
    },
    () => crashed,
  );
  await world.until(async () => crashed || (await caughtUp(world)));
  worker?.stop();
  const journal = await readJournalState(world.primaryStore);
  const state = await readRegionState(world.replicaStore);
  const deleted = new Set(
    journal.entries.filter(({ type }) => type === 'manifest.delete').map((each) => `${each.repository}@${each.digest}`),
  );
  const problems = [
    ...holes(state, deleted).map((what) => `at once: ${what}`),
    ...progressIsTrue('replica', state, { journal, refilled: from === 'snapshot' ? ['replica'] : [] }).map(
      ({ what }) => what,
    ),
  ];
  await world.run(() => world.startReplicator());
  if (!(await world.until(() => caughtUp(world)))) return [...problems, 'it does not catch up'];
  const last = await readRegionState(world.replicaStore);
  problems.push(...holes(last, deleted));
  const expected = await readRegionState(world.primaryStore);
  const [like, unlike] = [
    from === 'snapshot' ? refilled(expected) : expected,
    from === 'snapshot' ? refilled(last) : last,
  ];
  return [...problems, ...differences(like, unlike)];
}

async function fullPrimary(from: ReplicaStart): Promise<CrashWorld> {
  const world = new CrashWorld();
  await world.run(async () => {
    const primary = await world.startPrimary();
    await everything(primaryOf(primary).push);
    if (from === 'journal') return;
    await primary.care?.care(forever);
    await afterwards(primaryOf(primary).push);
  });
  return world;
}

async function caughtUp(world: CrashWorld): Promise<boolean> {
  const { entries } = await readJournalState(world.primaryStore);
  return (await readRegionState(world.replicaStore)).watermark === entries.length;
}

async function prepared(scenario: CrashScenario): Promise<CrashWorld> {
  const world = new CrashWorld();
  const end = await world.run(async () => scenario.before(primaryOf(await world.startPrimary())));
  if (end !== 'done') throw new Error(`${scenario.name} cannot be prepared`);
  return world;
}

async function bothStates(scenario: CrashScenario): Promise<readonly [string, string]> {
  const world = await prepared(scenario);
  const before = summary(await readRegionState(world.primaryStore), scenario);
  await world.run(async () => scenario.act(primaryOf(await world.startPrimary())));
  return [before, summary(await readRegionState(world.primaryStore), scenario)];
}

/** What can be seen from outside, without the places in the journal: those differ when something is repeated. */
function summary(
  { tags, manifests, referrers, catalog, links, policies }: RegionState,
  scenario: CrashScenario,
): string {
  return JSON.stringify({
    tags: [...tags].flatMap(([key, { digest }]) => (digest === undefined ? [] : [[key, digest]])),
    manifests: [...manifests].flatMap(([key, { live }]) => (live ? [key] : [])),
    referrers: [...referrers].flatMap(([key, list]) =>
      list.length === 0 ? [] : [[key, list.map(({ digest }) => digest).sort()]],
    ),
    catalog,
    rules: policies[0],
    // Blobs are pushed one by one; only where a single one is the whole of it, none or all of it must be there.
    ...(scenario.ofOneBlob === true ? { links: [...links].flatMap(([key, { live }]) => (live ? [key] : [])) } : {}),
  });
}

function primaryOf({ push, journal, collections, content, process }: RegistryProcess): ScenarioPrimary {
  if (push === undefined || journal === undefined || collections === undefined) throw new Error('not the primary');
  return { push, journal, collections, content, process };
}
