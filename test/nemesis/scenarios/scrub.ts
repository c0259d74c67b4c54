import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { keys, type ObjectStore } from '#libs/storage';
import type { Violation } from '../../checkers/index.js';
import { sampleBlob, sampleImage } from '../../simulation/sample-image.js';
import { askOperators, operatorsOf, until } from '../operators.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { untilEqual } from '../standing.js';

const OBJECTS = 1_000;
const SHORT_OBJECTS = 40;
/** Too large for its record, so that it is an object of its own. */
const LAYER_BYTES = 70_000;
const LAYERS = 10;
const HANDS = 4;
const EQUAL_WITHIN_MS = 60_000;
const SCRUBBED_WITHIN_MS = 240_000;
const RATE = 50_000_000;
const AT_ONCE = 8;
const [, DAMAGED] = REGIONS;

interface ScrubReport {
  readonly scrub: string;
  readonly outcome: string;
  readonly damaged: number;
  readonly repaired: number;
  readonly unreadable: number;
}

/** The bytes of every large blob in a replica are changed, cut short or taken away; one scrub makes all of it right. */
export async function scrub(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, say } = context;
  const stage = new Stage('nemesis scrub', context);
  const { workload } = stage;
  let left = (short ? SHORT_OBJECTS : OBJECTS) / LAYERS;
  const hands = Array.from({ length: HANDS }, async (_, hand) => {
    const client = workload.client(`pusher${hand}`, PRIMARY, new SeededRandom(seed + hand), signal);
    while (left > 0) {
      left -= 1;
      const name = `${seed} ${left}`;
      const layers = Array.from({ length: LAYERS }, (_, at) => sampleBlob(`layer ${name} ${at}`, LAYER_BYTES + at));
      const repository = workload.repositories[left % workload.repositories.length];
      const tag = workload.tags[left % workload.tags.length];
      if (repository === undefined || tag === undefined) continue;
      await client.push(PRIMARY, repository, sampleImage(sampleBlob(`config ${name}`, 100), layers), [tag], []);
    }
  });
  await Promise.all(hands);
  await untilEqual(world, EQUAL_WITHIN_MS, signal);
  const damaged = await damageAll(await world.openBucket(DAMAGED), signal);
  say(`${damaged} objects of ${DAMAGED} are damaged`);

  const startMs = systemClock.monotonic();
  const report = await scrubbed(operatorsOf(world, DAMAGED).at(-1) ?? '', signal);
  const tookMs = systemClock.monotonic() - startMs;
  const problems: Violation[] = [];
  if (report.damaged !== damaged || report.repaired !== damaged || report.unreadable > 0)
    problems.push({ checker: 'R16 scrub', what: `of ${damaged} damaged objects: ${JSON.stringify(report)}` });
  return stage.conclude(
    [
      [damaged, 'objects damaged'],
      [`${report.damaged} found and ${report.repaired} repaired`, 'by one scrub'],
      [`of ${(tookMs / 1_000).toFixed(1)} s`, ''],
    ],
    problems,
  );
}

/** @returns how many */
async function damageAll(store: ObjectStore, signal: AbortSignal): Promise<number> {
  const listed: string[] = [];
  for await (const key of keysBelow(store, keys.dataPrefix, signal)) listed.push(key);
  const left = [...listed.entries()];
  const hands = Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await damage(store, next[1], next[0], signal);
  });
  await Promise.all(hands);
  return listed.length;
}

async function damage(store: ObjectStore, key: string, number: number, signal: AbortSignal): Promise<void> {
  if (number % 3 === 2) return store.delete(key, signal);
  const found = await store.read(key, signal);
  const bytes = Buffer.from(found?.bytes ?? '');
  const at = (number * 7_919) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ 0x20;
  await store.put(key, number % 3 === 0 ? bytes : bytes.subarray(0, at), { signal });
}

async function* keysBelow(store: ObjectStore, prefix: string, signal: AbortSignal): AsyncGenerator<string> {
  let startAfter: string | undefined;
  for (;;) {
    const from = startAfter === undefined ? {} : { startAfter };
    const { objects, more } = await store.list({ prefix, limit: 1_000, ...from }, signal);
    for (const { key } of objects) yield key;
    startAfter = objects.at(-1)?.key;
    if (!more) return;
  }
}

async function scrubbed(origin: string, signal: AbortSignal): Promise<ScrubReport> {
  const url = `${origin}/admin/v1/scrub`;
  const begun = (await askOperators(`${url}?rateBytesPerSecond=${RATE}`, 'POST', signal)) as ScrubReport;
  return until(
    async () => {
      const { here } = (await askOperators(url, 'GET', signal)) as { here: ScrubReport };
      return here.scrub === begun.scrub && here.outcome !== 'running' ? here : undefined;
    },
    'the scrub to end',
    SCRUBBED_WITHIN_MS,
    signal,
  );
}
