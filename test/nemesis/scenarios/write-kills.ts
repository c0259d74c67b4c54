import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { Violation } from '../../checkers/index.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import type { Seat } from '../seat.js';
import { Stage } from '../stage.js';
import type { World } from '../world.js';
import type { Moment } from '../write-trap.js';

const KILLS = 60;
const SHORT_KILLS = 5;
/** A push is about ten writes, and of two regions in three the writes are a replicator's. */
const MOST_WRITES = 24;
const MOMENTS: readonly Moment[] = ['before', 'after'];
/** Clients who write all the time need not wait longer for the next writes. */
const SPRUNG_WITHIN_MS = 20_000;
const READY_AGAIN_MS = 5_000;

/** All processes of a region die at one write to its store, before it takes effect or after it; and again. */
export async function writeKills(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, say } = context;
  const stage = new Stage('nemesis write-kills', context, { pushShare: 0.7, tiny: true, pauseMs: 20 });
  const random = new SeededRandom(seed);
  const over = new AbortController();
  const working = stage.workload.run(over.signal, signal);
  const readyMs: number[] = [];
  const kills = short ? SHORT_KILLS : KILLS;
  for (let kill = 0; kill < kills; kill += 1) {
    // Every second time it is the primary: others write only what it has taken.
    const region = kill % 2 === 0 ? PRIMARY : (REGIONS[1 + (kill % 4 === 1 ? 0 : 1)] ?? PRIMARY);
    const [number, moment] = [1 + random.below(MOST_WRITES), MOMENTS[random.below(MOMENTS.length)] ?? 'before'];
    const sprung = await killAtWrite(world, region, number, moment, signal);
    if (!sprung) continue;
    const killedMs = systemClock.monotonic();
    await Promise.all(seatsIn(world, region).map((seat) => seat.untilReady(signal)));
    readyMs.push(systemClock.monotonic() - killedMs);
    say(`${region} ended ${moment} write ${number}, ready again after ${readyMs.at(-1)?.toFixed(0)} ms`);
  }
  over.abort();
  await working;
  const slowest = Math.max(0, ...readyMs);
  return stage.conclude(
    [
      [readyMs.length, `of ${kills} kills at a write`],
      [`ready again after ${(slowest / 1_000).toFixed(1)} s at the most`, ''],
    ],
    // A share of this is run beside everything else that tests do: there the time says nothing.
    short ? [] : tooSlow(slowest),
    true,
  );
}

function seatsIn(world: World, region: string): readonly Seat[] {
  return [...world.seatsOf('registry', region), ...world.seatsOf('replicator', region)];
}

/** @returns false if there were not so many writes */
async function killAtWrite(
  world: World,
  region: string,
  number: number,
  moment: Moment,
  signal: AbortSignal,
): Promise<boolean> {
  const trap = world.proxies.get(region)?.trap;
  if (trap === undefined) throw new Error(`${region} has no store that can be watched`);
  const end = async (): Promise<void> => {
    await Promise.all(seatsIn(world, region).map((seat) => seat.killed()));
  };
  const ended = trap.set(number, moment, end).then(() => true);
  const tired = systemClock.sleep(SPRUNG_WITHIN_MS, signal).then(() => false);
  const sprung = await Promise.race([ended, tired]);
  trap.disarm();
  return sprung;
}

function tooSlow(slowestMs: number): readonly Violation[] {
  if (slowestMs <= READY_AGAIN_MS) return [];
  return [{ checker: 'ready again', what: `a region was ready again only after ${slowestMs.toFixed(0)} ms` }];
}
