import type { Collections } from '#libs/registry';
import type { Violation } from '../checkers/index.js';
import { nothingLeaks } from '../checkers/leaks.js';
import { PRIMARY, REGIONS, type SimulatedCluster } from './cluster.js';
import type { FaultInjector } from './fault-injector.js';
import type { SimulatedProcess } from './simulated-process.js';
import { viewOf } from './store-view.js';

/** A collector that was killed keeps the others waiting for a minute, and what it had seen becomes ripe one grace time later. */
const LAST_CYCLES = 4;
const LOST_LEASE_MS = 61_000;
const MARGIN_MS = 1_000;

/** Collects as a process does by itself, until everything heals: what is true in the end is looked at when nothing moves. */
export async function collectNowAndThen(
  process: SimulatedProcess,
  collections: Collections,
  faults: FaultInjector,
): Promise<void> {
  const { gcIntervalMs } = faults.plan;
  while (gcIntervalMs > 0) {
    await process.sleep(gcIntervalMs * (0.75 + process.random.next() / 2), process.signal);
    if (faults.healed) return;
    await collections.begin({ dryRun: false, force: false }).catch(() => undefined);
  }
}

/** Whether a collection is under way anywhere. */
export function isCollecting(cluster: SimulatedCluster): boolean {
  return REGIONS.some((region) =>
    cluster.collectors(region).some(({ here }) => here !== undefined && here.finishedMs === undefined),
  );
}

/** Collects everywhere until everything that nothing needs has had its time, and says what is there all the same. */
export async function leaksOf(cluster: SimulatedCluster): Promise<readonly Violation[]> {
  const { gcIntervalMs, gcGraceMs, uploadIdleMs } = cluster.faults.plan;
  if (gcIntervalMs === 0) return [];
  await cluster.network.pause(uploadIdleMs + MARGIN_MS);
  for (let cycle = 1; ; cycle += 1) {
    for (const region of REGIONS) await collect(cluster, region);
    const found = await Promise.all(
      REGIONS.map((region) => nothingLeaks(region, viewOf(cluster.region(region).store))),
    );
    if (found.flat().length === 0 || cycle === LAST_CYCLES) return found.flat();
    await cluster.network.pause(gcGraceMs + MARGIN_MS);
  }
}

async function collect(cluster: SimulatedCluster, region: typeof PRIMARY): Promise<void> {
  const [collections] = cluster.collectors(region);
  if (collections === undefined) return;
  try {
    await collections.begin({ dryRun: false, force: true });
  } catch {
    await cluster.network.pause(LOST_LEASE_MS);
    await collections.begin({ dryRun: false, force: true });
  }
  while (isCollecting(cluster)) await cluster.network.pause(MARGIN_MS);
}
