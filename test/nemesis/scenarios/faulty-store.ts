import { SeededRandom } from '#libs/resilience/testing';
import { pick } from '../faults.js';
import { FAIR } from '../faulty-proxy.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { ROUTER } from '../world.js';

const BAD = { ...FAIR, unavailable: 0.05, afterEffect: 0.01, cut: 0.01, flip: 0.001 };
const PULLS = 10_000;
const SHORT_PULLS = 600;
const FIRST_PUSHES = 40;
const HANDS = 8;
/** Of all operations; so there is something new to be copied and pulled all the time. */
const PUSHES = 0.1;

/** Stores that fail, break off and lie: nothing wrong is stored or served whole. */
export async function faultyStore(context: RunContext): Promise<Report> {
  const { world, seed, short, signal } = context;
  const stage = new Stage('nemesis faulty-store', context);
  const { workload, history } = stage;
  for (const proxy of world.proxies.values()) proxy.weather = BAD;
  const random = new SeededRandom(seed);
  const first = workload.client('first', PRIMARY, random, signal);
  for (let pushed = 0; pushed < FIRST_PUSHES; pushed += 1) await workload.pushNew(first, random, PRIMARY);
  let left = short ? SHORT_PULLS : PULLS;
  const hands = Array.from({ length: HANDS }, async (_, hand) => {
    const dice = new SeededRandom(seed * 13 + hand);
    const client = workload.client(`client${hand}`, pick(dice, REGIONS), dice, signal);
    while (left > 0) {
      if (dice.next() < PUSHES) await workload.pushNew(client, dice, PRIMARY);
      const pushes = history.operations.filter(({ action, outcome }) => action.kind === 'push' && outcome === 'ok');
      const { action } = pick(dice, pushes);
      if (action.kind !== 'push') continue;
      left -= 1;
      const { repository, digest } = action;
      await client.pull(pick(dice, [...REGIONS, ROUTER]), { kind: 'read-manifest', repository, digest });
    }
  });
  await Promise.all(hands);
  for (const proxy of world.proxies.values()) proxy.weather = FAIR;
  const mishaps = new Map<string, number>();
  for (const { counts } of world.proxies.values())
    for (const [kind, count] of counts) if (kind !== 'none') mishaps.set(kind, (mishaps.get(kind) ?? 0) + count);
  return stage.conclude([...mishaps].map(([kind, count]) => [count, kind] as const));
}
