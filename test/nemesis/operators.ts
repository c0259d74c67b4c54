import { systemClock } from '#libs/resilience';
import { metricSums } from '../load/process-figures.js';
import { REGIONS, urlOf } from './places.js';
import type { World } from './world.js';

const POLL_MS = 200;
const PATIENCE_MS = 30_000;

/** Operators' ports of all processes of a region; the replicator's is the last. */
export function operatorsOf({ places }: World, region: string): readonly string[] {
  const { registries, replicator } = places.region((REGIONS as readonly string[]).indexOf(region));
  return [...registries, replicator].map(({ operator }) => urlOf(operator));
}

/** How many operations of its store a region has counted with that result, in all of its processes. */
export async function storeResults(world: World, region: string, result: string): Promise<number> {
  const name = 'meridian_storage_operation_duration_seconds_count';
  const sums = operatorsOf(world, region).map((origin) =>
    metricSums(origin, [name], (sample) => sample.includes(`result="${result}"`)).catch(() => [0]),
  );
  return (await Promise.all(sums)).flat().reduce((sum, count) => sum + count, 0);
}

/** Asks until it is what is waited for. @throws Error when that takes too long */
export async function until<T>(
  ask: () => Promise<T | undefined>,
  what: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<T> {
  const deadline = systemClock.monotonic() + limitMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (systemClock.monotonic() > deadline) throw new Error(`not within ${limitMs / 1_000} s: ${what}`);
    await systemClock.sleep(POLL_MS, signal);
  }
}

/** @throws Error when it is not answered well */
export async function askOperators(url: string, method: 'GET' | 'POST', signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { method, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${body}`);
  return JSON.parse(body);
}
