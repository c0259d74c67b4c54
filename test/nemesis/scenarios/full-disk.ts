import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { Operation, Violation } from '../../checkers/index.js';
import { FAIR } from '../faulty-proxy.js';
import { storeResults } from '../operators.js';
import { PRIMARY, REGIONS } from '../places.js';
import { figuresOf, type Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { untilEqual } from '../standing.js';
import type { World } from '../world.js';

const FULL_MS = 60_000;
const SHORT_MS = 3_000;
const EQUAL_WITHIN_MS = 30_000;
const CLIENTS = 6;
const PAUSE_MS = 100;
const [, FULL, OTHER] = REGIONS;

/** One store takes nothing any more: a replica's, and then the primary's. Whoever has room goes on, and all of it heals. */
export async function fullDisk(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, progress } = context;
  const stage = new Stage('nemesis full-disk', { ...context, clients: CLIENTS }, { pauseMs: PAUSE_MS });
  const { workload, history } = stage;
  const first = workload.client('first', PRIMARY, new SeededRandom(seed), signal);
  for (const repository of workload.repositories)
    await workload.pushNew(first, new SeededRandom(seed), PRIMARY, { repository, tags: workload.tags.slice(0, 2) });
  await untilEqual(world, EQUAL_WITHIN_MS, signal);

  const lastsMs = short ? SHORT_MS : FULL_MS;
  const whileFull = async (region: string) => {
    const sinceMs = systemClock.monotonic();
    setFull(world, region, true);
    const over = new AbortController();
    const working = workload.run(over.signal, signal);
    await progress(lastsMs, () => figuresOf(history.operations));
    over.abort();
    await working;
    return history.operations.filter(({ startMs }) => startMs >= sinceMs);
  };

  const aside = await whileFull(FULL);
  const others = await untilEqual(world, EQUAL_WITHIN_MS, signal, [OTHER]);
  const said = await storeResults(world, FULL, 'out_of_space');
  setFull(world, FULL, false);
  await untilEqual(world, EQUAL_WITHIN_MS, signal);
  const refusing = await whileFull(PRIMARY);
  setFull(world, PRIMARY, false);

  const problems: Violation[] = [
    ...unanswered(aside, ({ region, action }) => region !== FULL || action.kind === 'list-tags'),
    ...unanswered(refusing, ({ action }) => action.kind.startsWith('read')),
    ...(others.equal ? [] : [{ checker: 'full disk', what: `${OTHER} waited for ${FULL}` }]),
    ...(said > 0 ? [] : [{ checker: 'full disk', what: `${FULL} does not say that its store is full` }]),
  ];
  const taken = refusing.filter(({ action, outcome }) => action.kind === 'push' && outcome === 'ok');
  return stage.conclude(
    [
      [`${lastsMs / 1_000} s`, 'full, each'],
      [said, 'writes refused by the full store'],
      [taken.length, 'pushes taken while the primary was full'],
    ],
    problems,
  );
}

function setFull({ proxies }: World, region: string, full: boolean): void {
  const proxy = proxies.get(region);
  if (proxy === undefined) throw new Error('only a store behind a proxy can be made full: --storage minio');
  proxy.weather = { ...FAIR, full };
}

function unanswered(operations: readonly Operation[], mustBe: (operation: Operation) => boolean): readonly Violation[] {
  return operations
    .filter((operation) => operation.outcome === 'unknown' && mustBe(operation))
    .map(({ id, via, why }) => ({ checker: 'full disk', what: `#${id} at ${via} was not answered: ${why}` }));
}
