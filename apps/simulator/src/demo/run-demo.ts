import { CLIENT_REGION_HEADER } from '#libs/geo';
import type { Clock, Random } from '#libs/resilience';
import { type ClusterPlan, localUrl } from '../cluster/plan.js';
import { formatBytes, formatMs } from '../sizes.js';
import type { Terminal } from '../terminal.js';
import { whileWorking } from '../while-working.js';
import { measureRegions, type RegionResult } from './measure.js';
import { type Arrival, type Presence, waitUntilPresent } from './presence.js';
import { pushImage } from './push-image.js';
import { RegistryClient } from './registry-client.js';
import { buildSampleImage, type SampleImage } from './sample-image.js';

export const DEMO_REPOSITORY = 'demo/hello';
export const DEMO_TAG = 'latest';

export interface DemoContext {
  readonly plan: ClusterPlan;
  readonly imageMebibytes: number;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
}

export interface DemoResult {
  readonly image: {
    readonly repository: string;
    readonly tag: string;
    readonly digest: string;
    readonly bytes: number;
  };
  readonly pushMs: number;
  readonly arrivals: readonly Arrival[];
  readonly regions: readonly RegionResult[];
}

/** Pushes an image, waits until it is everywhere, and pulls it in each region. */
export async function runDemo(context: DemoContext, signal: AbortSignal): Promise<DemoResult> {
  const { terminal, clock, random } = context;
  const building = buildSampleImage(DEMO_TAG, context.imageMebibytes, random);
  const image = await whileWorking(terminal, clock, () => 'building a sample image', building);
  const pushMs = await push(context, image, signal);
  const arrivals = await replicate(context, image, signal);
  const regions = await measure(context, image, signal);
  return {
    image: { repository: DEMO_REPOSITORY, tag: DEMO_TAG, digest: image.digest, bytes: bytesOf(image) },
    pushMs,
    arrivals,
    regions,
  };
}

async function push({ plan, terminal, clock }: DemoContext, image: SampleImage, signal: AbortSignal): Promise<number> {
  const client = new RegistryClient(plan.routerUrlFrom(plan.primary), { [CLIENT_REGION_HEADER]: plan.primary.name });
  const total = bytesOf(image);
  let sent = 0;
  const startMs = clock.monotonic();
  try {
    const pushing = pushImage(client, DEMO_REPOSITORY, image, (bytes) => (sent += bytes), signal);
    await whileWorking(terminal, clock, () => `pushing ${formatBytes(sent)} of ${formatBytes(total)}`, pushing);
  } finally {
    await client.close();
  }
  const pushMs = clock.monotonic() - startMs;
  const what = `${DEMO_REPOSITORY}:${DEMO_TAG}, two platforms, ${formatBytes(total)}`;
  terminal.done(`pushed through the router in ${formatMs(pushMs)}: ${what}`);
  return pushMs;
}

async function replicate(
  { plan, terminal, clock }: DemoContext,
  image: SampleImage,
  signal: AbortSignal,
): Promise<readonly Arrival[]> {
  let presences: readonly Presence[] = [];
  const waiting = waitUntilPresent(
    localUrl(plan.primary.ports.operator),
    { repository: DEMO_REPOSITORY, reference: image.digest },
    plan.regions.map(({ name }) => name),
    (now) => {
      presences = now;
    },
    clock,
    signal,
  );
  const arrivals = await whileWorking(terminal, clock, () => `copying: ${describePresences(presences)}`, waiting);
  const copied = arrivals.filter(({ region }) => region !== plan.primary.name);
  const when = copied.map(({ region, afterMs }) => `${region} after ${formatMs(afterMs)}`);
  terminal.done(`present everywhere: ${when.join(', ')}`);
  return arrivals;
}

function describePresences(presences: readonly Presence[]): string {
  if (presences.length === 0) return 'asking the regions';
  return presences.map(describePresence).join(' · ');
}

function describePresence({ region, state, bytes }: Presence): string {
  if (state !== 'copying' || bytes === undefined || bytes.total === 0) return `${region} ${state}`;
  return `${region} ${formatBytes(bytes.done)} of ${formatBytes(bytes.total)}`;
}

async function measure(
  { plan, terminal, clock }: DemoContext,
  image: SampleImage,
  signal: AbortSignal,
): Promise<readonly RegionResult[]> {
  let now = '';
  const onPull = (what: string): void => {
    now = what;
  };
  const asked = { plan, clock, onPull, image: { repository: DEMO_REPOSITORY, reference: DEMO_TAG } };
  const results = await whileWorking(terminal, clock, () => now, measureRegions(asked, signal));
  terminal.done(`pulled by a client in each region, every byte hashed: ${image.digest}`);
  return results;
}

function bytesOf(image: SampleImage): number {
  return [...image.blobs, ...image.manifests].reduce((sum, { size }) => sum + size, 0);
}
