import type { RegionName } from '#libs/geo';
import type { MemoryObjectStore } from '#libs/storage';
import { oneOf } from './chance.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';
import { neverAborted } from './never-aborted.js';

const REPLICAS = REGIONS.filter((region) => region !== PRIMARY);
const NEWLINE = 0x0a;

/** What is repaired may need a copy, and what a copy brings may need another look. */
const ROUNDS = 2;
const ROUND_MS = 5_000;
const POLL_MS = 500;

/** A process that was killed in the middle of it keeps the others waiting for a minute. */
const LOST_LEASE_MS = 61_000;

/** Lines still break now and then: a round that says that it failed is begun again, as the next would be on time. */
const MOST_TRIES = 10;

/** What is done to an object: other bytes, or none. `undefined`: there is nothing in it that could be missed. */
type Harm = (bytes: Uint8Array) => Uint8Array | 'gone' | undefined;

const HARMS: readonly (readonly [prefix: string, harm: Harm])[] = [
  ['data/', (bytes) => flipped(bytes, 0)],
  ['blobs/', (bytes) => flipped(bytes, bytes.indexOf(NEWLINE) + 1)],
  ['manifests/', (bytes) => flipped(bytes, bytes.indexOf(NEWLINE) + 1)],
  ['tags/', goneIf(/"digest"/)],
  ['links/', goneIf(/"live":true/)],
  ['catalog/', goneIf(/^\d*$/)],
];

/** Damages objects of replicas, lets scrubs and comparisons find that, and waits until what they repair is here. */
export async function damageAndRepair(cluster: SimulatedCluster): Promise<void> {
  const harmed = new Set<RegionName>();
  for (let act = 1; act <= cluster.faults.plan.damages; act += 1) {
    if (!cluster.universe.script.plays(`damage ${act}`)) continue;
    const random = cluster.universe.chance.of(`damage ${act}`);
    const region = oneOf(random, REPLICAS);
    const [prefix, harm] = oneOf(random, HARMS);
    const { store } = cluster.region(region);
    const { objects } = await store.list({ prefix, limit: 1_000 }, neverAborted());
    if (objects.length === 0) continue;
    const { key } = oneOf(random, objects);
    const after = harm(store.peek(key)?.bytes ?? new Uint8Array());
    if (after === undefined || (prefix === 'links/' && !(await isNeeded(store, key)))) continue;
    cluster.faults.count('damage');
    cluster.universe.trace.say('damage', `${region} ${key}`);
    await (after === 'gone' ? store.delete(key, neverAborted()) : store.put(key, after, { signal: neverAborted() }));
    harmed.add(region);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const region of harmed) await repair(cluster, region);
    if (harmed.size > 0) await cluster.network.pause(ROUND_MS);
  }
}

async function repair(cluster: SimulatedCluster, region: RegionName): Promise<void> {
  const [worker] = cluster.region(region).replicators.values();
  if (worker?.repairs === undefined) return;
  await untilDone(cluster, worker.repairs.scrubs, {});
  await untilDone(cluster, worker.repairs.comparisons, undefined);
}

interface Rounds<T> {
  readonly here: { readonly outcome: string; readonly finishedMs?: number } | undefined;
  begin(request: T): Promise<unknown>;
}

async function untilDone<T>(cluster: SimulatedCluster, rounds: Rounds<T>, request: T): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    await begun(cluster, () => rounds.begin(request));
    while (rounds.here?.finishedMs === undefined) await cluster.network.pause(POLL_MS);
    if (rounds.here.outcome === 'done') return;
    await cluster.network.pause(ROUND_MS);
  }
}

async function begun(cluster: SimulatedCluster, begin: () => Promise<unknown>): Promise<void> {
  try {
    await begin();
  } catch {
    await cluster.network.pause(LOST_LEASE_MS);
    await begin();
  }
}

/** Links that no manifest needs are not compared: they go with the blob, when that is collected. */
async function isNeeded(store: MemoryObjectStore, link: string): Promise<boolean> {
  const [, repository = '', digest = ''] = /^links\/(.*)\/@(.*)$/.exec(link) ?? [];
  const { objects } = await store.list({ prefix: `manifests/${repository}/@`, limit: 1_000 }, neverAborted());
  return objects.some(({ key }) => Buffer.from(store.peek(key)?.bytes ?? '').includes(digest));
}

function flipped(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at >= bytes.length) return undefined;
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function goneIf(pattern: RegExp): Harm {
  return (bytes) => (pattern.test(Buffer.from(bytes).toString()) ? 'gone' : undefined);
}
