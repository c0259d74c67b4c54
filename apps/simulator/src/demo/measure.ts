import { CLIENT_REGION_HEADER } from '#libs/geo';
import type { Clock } from '#libs/resilience';
import type { ClusterPlan, RegionPlan } from '../cluster/plan.js';
import type { Image } from './presence.js';
import { type Pull, pullImage } from './pull-image.js';
import { type RegistryAnswer, RegistryClient } from './registry-client.js';

/** What a client in one region saw: medians of several pulls, each with connections of its own. */
export interface RegionResult {
  readonly region: string;
  readonly servedBy: string;
  readonly router: PullTimes;
  readonly primary: PullTimes;
  /** Of the whole image; negative when the router made it slower. `undefined` where the primary is at home. */
  readonly timeSavedPercent: number | undefined;
}

export interface PullTimes {
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

export const PULLS_EACH = 3;

export interface Measuring {
  readonly plan: ClusterPlan;
  readonly image: Image;
  readonly clock: Clock;
  /** Hears what is being pulled. */
  readonly onPull: (what: string) => void;
}

/** One region after the other, and one pull after the other: they would share the same lines. */
export async function measureRegions(measuring: Measuring, signal: AbortSignal): Promise<readonly RegionResult[]> {
  const results: RegionResult[] = [];
  for (const region of measuring.plan.regions) results.push(await measureRegion(measuring, region, signal));
  return results;
}

async function measureRegion(measuring: Measuring, region: RegionPlan, signal: AbortSignal): Promise<RegionResult> {
  const { plan, onPull } = measuring;
  const primary: Pull[] = [];
  const router: Pull[] = [];
  for (let count = 1; count <= PULLS_EACH; count += 1) {
    onPull(`${region.name}: pull ${count} of ${PULLS_EACH} from the primary`);
    primary.push(await pullOnce(measuring, region, plan.registryUrlFrom(region, plan.primary), signal));
    onPull(`${region.name}: pull ${count} of ${PULLS_EACH} through the router`);
    router.push(await pullOnce(measuring, region, plan.routerUrlFrom(region), signal));
  }
  const times = { primary: medians(primary), router: medians(router) };
  return {
    region: region.name,
    servedBy: [...new Set(router.flatMap(({ servedBy }) => servedBy))].join(', '),
    ...times,
    timeSavedPercent: region === plan.primary ? undefined : timeSavedPercent(times.primary, times.router),
  };
}

async function pullOnce(measuring: Measuring, region: RegionPlan, from: string, signal: AbortSignal): Promise<Pull> {
  const client = new RegistryClient(from, { [CLIENT_REGION_HEADER]: region.name });
  const regionOf = (answer: RegistryAnswer): string => whoAnswered(measuring.plan, answer);
  try {
    return await pullImage({ client, ...measuring.image, regionOf }, measuring.clock, signal);
  } finally {
    await client.close();
  }
}

/** Its own word, or else whose port it is. */
function whoAnswered(plan: ClusterPlan, { headers, url }: RegistryAnswer): string {
  const named = headers['meridian-region'];
  if (named !== undefined) return named;
  const port = Number(url.port);
  const isAt = (to: RegionPlan): boolean =>
    to.ports.registry === port ||
    to.ports.store === port ||
    plan.regions.some((from) => plan.ports.relay(from.index, to.index) === port);
  return plan.regions.find(isAt)?.name ?? url.host;
}

function medians(pulls: readonly Pull[]): PullTimes {
  return {
    firstByteMs: median(pulls.map(({ firstByteMs }) => firstByteMs)),
    wholeMs: median(pulls.map(({ wholeMs }) => wholeMs)),
  };
}

/** The middle one; the lower of the two in the middle. `NaN` for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

export function timeSavedPercent(before: PullTimes, now: PullTimes): number {
  return Math.round((1 - now.wholeMs / before.wholeMs) * 100);
}
