import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { Violation } from '../../checkers/index.js';
import { flush } from '../faults.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import { figuresOf } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import type { World } from '../world.js';

const EVERY_MS = 2_000;
const PUSHES = 200;
const OFF_MS = 60_000;
const SHORT = { pushes: 40, offMs: 8_000 };
const HANDS = 8;

/** Every Redis forgets everything, again and again, during some pushes; then there is none at all for a while. */
export async function forgetting(context: RunContext): Promise<Report> {
  const { world, short, signal, progress } = context;
  const { pushes, offMs } = short ? SHORT : { pushes: PUSHES, offMs: OFF_MS };
  const stage = new Stage('nemesis flush', context);
  const figures = () => figuresOf(stage.history.operations);
  const over = new AbortController();
  const flushing = flushAgainAndAgain(world, over.signal);
  const pushed = await pushAll(stage, pushes, context);
  over.abort();
  const flushes = await flushing;
  for (const seat of world.seatsOf('redis')) seat.hold();
  const off = new AbortController();
  const meanwhile = stage.workload.run(off.signal, signal);
  await progress(offMs, figures);
  off.abort();
  await meanwhile;
  for (const seat of world.seatsOf('redis')) seat.release();
  const lost: Violation[] =
    pushed === pushes ? [] : [{ checker: 'I7 Redis', what: `${pushed} of ${pushes} pushes were accepted` }];
  const refused = stage.history.operations.filter(
    ({ action, outcome }) => action.kind === 'push' && outcome === 'unknown',
  );
  const unsure: Violation[] = refused.map(({ id, why }) => ({
    checker: 'I7 Redis',
    what: `#${id} was not answered: ${why}`,
  }));
  return stage.conclude(
    [
      [`${pushed} of ${pushes}`, 'accepted'],
      [flushes, 'flushes'],
      [`${offMs / 1_000} s`, 'without Redis'],
    ],
    [...lost, ...unsure],
    true,
  );
}

async function pushAll({ workload }: Stage, pushes: number, { seed, signal }: RunContext): Promise<number> {
  let left = pushes;
  let accepted = 0;
  const hands = Array.from({ length: HANDS }, async (_, hand) => {
    const random = new SeededRandom(seed * 17 + hand);
    const client = workload.client(`pusher${hand}`, PRIMARY, random, signal);
    while (left > 0) {
      left -= 1;
      if ((await workload.pushNew(client, random, PRIMARY)) === 'ok') accepted += 1;
    }
  });
  await Promise.all(hands);
  return accepted;
}

async function flushAgainAndAgain(world: World, until: AbortSignal): Promise<number> {
  for (let flushes = 0; ; flushes += 1) {
    await Promise.all(REGIONS.map((region) => flush(world, region)));
    await systemClock.sleep(EVERY_MS, until).catch(() => undefined);
    if (until.aborted) return flushes + 1;
  }
}
