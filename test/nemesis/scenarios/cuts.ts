import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { Link, LinkSettings } from '../../../apps/simulator/src/wan/link.js';
import type { Operation, Violation } from '../../checkers/index.js';
import { lines, pick } from '../faults.js';
import { PRIMARY, REGIONS } from '../places.js';
import { figuresOf, type Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { untilEqual } from '../standing.js';
import { REDIS } from '../world.js';

const EACH_MS = 60_000;
const SHORT_MS = 4_000;
const EQUAL_WITHIN_MS = 30_000;
const FLAP_MS = 1_000;
const WRITERS = 2;
const READERS = 4;
/** Of a writer between two pushes, and of a reader between two pulls: a read between writes every few milliseconds. */
const WRITE_PAUSE_MS = 200;
const PAUSE_MS = 10;

const KINDS: Readonly<Record<string, Partial<LinkSettings> | 'reset'>> = {
  cut: { state: 'cut' },
  'one-way there': { state: 'blackhole-there' },
  'one-way back': { state: 'blackhole-back' },
  blackhole: { state: 'blackhole' },
  slow: { roundTripMs: 600, megabitsPerSecond: 0.064 },
  reset: 'reset',
};

/** Every kind of cut, one after the other, of all lines between regions: pulls at home go on, and no tag goes back. */
export async function cuts(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, progress } = context;
  const stage = new Stage('nemesis cuts', context);
  const { workload, history } = stage;
  const random = new SeededRandom(seed);
  const writer = workload.client('first', PRIMARY, random, signal);
  for (const repository of workload.repositories)
    await workload.pushNew(writer, random, PRIMARY, { repository, tags: workload.tags.slice(0, 5) });
  await untilEqual(world, EQUAL_WITHIN_MS, signal);
  const sinceMs = systemClock.monotonic();
  const over = new AbortController();
  const working = [
    ...Array.from({ length: WRITERS }, (_, at) => move(stage, new SeededRandom(seed + at), over.signal, context)),
    ...REGIONS.flatMap((region) =>
      Array.from({ length: READERS }, (_, at) =>
        readAtHome(stage, region, new SeededRandom(seed + at), over.signal, context),
      ),
    ),
  ];
  const far = lines()
    .filter(([from, to]) => to !== REDIS && from !== to)
    .map(([from, to]) => world.link(from, to));
  for (const change of Object.values(KINDS)) {
    const flapping = new AbortController();
    const trouble = change === 'reset' ? flap(far, flapping.signal) : changeAll(far, change);
    await progress(short ? SHORT_MS : EACH_MS, () => figuresOf(history.operations));
    flapping.abort();
    await trouble;
    for (const link of far) link.restore();
  }
  over.abort();
  await Promise.all(working);
  const atHome = history.operations.filter(({ client, startMs }) => client.startsWith('home') && startMs >= sinceMs);
  return stage.conclude(
    [
      [atHome.length, 'pulls at home'],
      [Object.keys(KINDS).length, 'kinds of cuts'],
    ],
    unanswered(atHome),
  );
}

async function changeAll(links: readonly Link[], change: Partial<LinkSettings>): Promise<void> {
  for (const link of links) link.change(change);
}

async function flap(links: readonly Link[], until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    for (const link of links) link.resetConnections();
    await systemClock.sleep(FLAP_MS, until).catch(() => undefined);
  }
}

/** Moves tags that were there before the first cut, and no others. */
async function move(
  { workload }: Stage,
  random: SeededRandom,
  until: AbortSignal,
  { signal }: RunContext,
): Promise<void> {
  const client = workload.client('mover', PRIMARY, random, signal);
  while (!until.aborted) {
    const repository = pick(random, workload.repositories);
    await workload.pushNew(client, random, PRIMARY, { repository, tags: [pick(random, workload.tags.slice(0, 5))] });
    await systemClock.sleep(WRITE_PAUSE_MS, until).catch(() => undefined);
  }
}

async function readAtHome(
  { workload }: Stage,
  region: string,
  random: SeededRandom,
  until: AbortSignal,
  { signal }: RunContext,
): Promise<void> {
  const client = workload.client(`home-${region}`, region, random, signal);
  while (!until.aborted) {
    const repository = pick(random, workload.repositories);
    await client.pull(region, { kind: 'read-tag', repository, tag: pick(random, workload.tags.slice(0, 5)) });
    await systemClock.sleep(PAUSE_MS, until).catch(() => undefined);
  }
}

/** A region that is cut off gives what it has: these tags were in every region before the first cut. */
function unanswered(reads: readonly Operation[]): readonly Violation[] {
  return reads
    .filter(({ outcome, digest }) => outcome !== 'ok' || digest === undefined)
    .map(({ id, via, why }) => ({ checker: 'pulls at home', what: `#${id} at ${via} failed: ${why ?? 'absent'}` }));
}
