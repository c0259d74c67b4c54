import { parseRepositoryName, parseTag, type Tag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import type { ObjectStore } from '#libs/storage';
import { pick } from '../faults.js';
import { askOperators } from '../operators.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { untilEqual, watermarkOf } from '../standing.js';

const TAGS = 10_000;
const SHORT_TAGS = 400;
const TAGS_OF_A_PUSH = 50;
/** While the region fills itself, this often in all. */
const MOVES_PER_SECOND = 10;
const FILLED_WITHIN_MS = 300_000;
const POLL_MS = 200;
const [, THERE, JOINING] = REGIONS;
const repository = parseRepositoryName('team/many');

/** A region begins in an empty bucket, with a snapshot of one large repository, while the tags in it move. */
export async function bootstrap(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, say } = context;
  const stage = new Stage('nemesis bootstrap', context, { tiny: true });
  const { workload } = stage;
  const tags = Array.from({ length: short ? SHORT_TAGS : TAGS }, (_, at) => parseTag(`v${at}`));
  const random = new SeededRandom(seed);
  const client = workload.client('pusher', PRIMARY, random, signal);
  const gone = [...world.seatsOf('registry', JOINING), ...world.seatsOf('replicator', JOINING)];
  for (const seat of gone) seat.hold();
  const push = (chosen: readonly Tag[]) => workload.pushNew(client, random, PRIMARY, { repository, tags: chosen });
  for (let at = 0; at < tags.length; at += TAGS_OF_A_PUSH) await push(tags.slice(at, at + TAGS_OF_A_PUSH));
  await untilEqual(world, FILLED_WITHIN_MS, signal, [THERE]);
  const [admin] = world.adminUrls(PRIMARY);
  const snapshot = await askOperators(`${admin}/admin/v1/snapshot`, 'POST', signal);
  await empty(await world.openBucket(JOINING), signal);
  say(`${tags.length} tags are in a snapshot, and ${JOINING} has nothing`);

  const over = new AbortController();
  const moving = move(() => push([pick(random, tags), pick(random, tags)]), over.signal);
  const startMs = systemClock.monotonic();
  for (const seat of gone) seat.release();
  const filled = await untilFilled(context, (snapshot as { readonly seq: number }).seq, signal);
  const tookMs = systemClock.monotonic() - startMs;
  over.abort();
  const moves = await moving;
  return stage.conclude(
    [
      [tags.length, 'tags'],
      [`taken in after ${(tookMs / 1_000).toFixed(1)} s`, ''],
      [moves, 'moves meanwhile'],
    ],
    filled ? [] : [{ checker: 'bootstrap', what: `${JOINING} did not fill itself` }],
  );
}

/** @returns how often */
async function move(one: () => Promise<unknown>, until: AbortSignal): Promise<number> {
  for (let moves = 0; ; moves += 1) {
    if (until.aborted) return moves;
    await one();
    await systemClock.sleep(1_000 / MOVES_PER_SECOND, until).catch(() => undefined);
  }
}

/** Waits until its watermark has passed the snapshot's place: all that was there before it began is there again. */
async function untilFilled({ world }: RunContext, place: number, signal: AbortSignal): Promise<boolean> {
  const bucket = await world.openBucket(JOINING);
  const deadline = systemClock.monotonic() + FILLED_WITHIN_MS;
  while (systemClock.monotonic() < deadline) {
    if ((await watermarkOf(bucket, signal)) >= place) return true;
    await systemClock.sleep(POLL_MS, signal);
  }
  return false;
}

async function empty(store: ObjectStore, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { objects } = await store.list({ prefix: '', limit: 1_000 }, signal);
    if (objects.length === 0) return;
    for (const { key } of objects) await store.delete(key, signal);
  }
}
