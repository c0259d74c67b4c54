import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { pick } from '../faults.js';
import { figuresOf, type Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import type { World } from '../world.js';

const EVERY_MS = 2_000;

/** A process dies every two seconds while small images are pushed as fast as this machine can. */
export async function kill(context: RunContext): Promise<Report> {
  const { world, seed, lastsMs, signal, progress } = context;
  const stage = new Stage('nemesis kill', context, { pushShare: 1, tiny: true, pauseMs: 0 });
  const over = new AbortController();
  const working = stage.workload.run(over.signal, signal);
  const killing = killAgainAndAgain(world, new SeededRandom(seed), over.signal);
  await progress(lastsMs, () => figuresOf(stage.history.operations));
  over.abort();
  const kills = await killing;
  await working;
  const pushed = stage.history.operations.filter(({ outcome }) => outcome === 'ok').length;
  const rate = `${((pushed * 1_000) / lastsMs).toFixed(1)} pushes/s`;
  return stage.conclude(
    [
      [kills, 'kills'],
      [rate, ''],
    ],
    [],
    true,
  );
}

async function killAgainAndAgain(world: World, random: SeededRandom, until: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    await systemClock.sleep(EVERY_MS, until).catch(() => undefined);
    if (until.aborted) return kills;
    pick(random, world.seats).kill();
  }
}
