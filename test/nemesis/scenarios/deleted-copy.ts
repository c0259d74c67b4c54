import { type Digest, parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { keys } from '#libs/storage';
import { sampleBlob, sampleImage } from '../../simulation/sample-image.js';
import { MEBIBYTE, pushLargeBlob } from '../large-blob.js';
import { askOperators, until } from '../operators.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import type { World } from '../world.js';

const ROUNDS = 10;
const SHORT_ROUNDS = 1;
/** Copied in parts, and less than a checker reads at once. */
const MEBIBYTES = 12;
/** Slow enough that a collection is sooner. */
const SLOW = { megabitsPerSecond: 2 };
const COPYING_BYTES = MEBIBYTE;
const COPYING_WITHIN_MS = 30_000;
const COLLECTED_WITHIN_MS = 60_000;
const BETWEEN_MS = 500;
const REPLICAS = REGIONS.filter((region) => region !== PRIMARY);
const repository = parseRepositoryName('team/big');

/** Images vanish from the primary, bytes and all, while replicas copy them: nobody waits for them for ever. */
export async function deletedCopy(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, say } = context;
  const stage = new Stage('nemesis deleted-copy', context);
  const client = stage.workload.client('pusher', PRIMARY, new SeededRandom(seed), signal);
  const lines = REPLICAS.map((region) => world.link(region, PRIMARY));
  const rounds = short ? SHORT_ROUNDS : ROUNDS;
  for (let round = 0; round < rounds; round += 1) {
    const origin = world.urlFor(PRIMARY, PRIMARY);
    for (const line of lines) line.change(SLOW);
    const before = received(world);
    const blob = await pushLargeBlob(origin, repository, { seed: seed + round, mebibytes: MEBIBYTES }, signal);
    const image = sampleImage(sampleBlob(`config ${round}`, 100), [{ ...blob, bytes: Buffer.alloc(0) }]);
    const pushed = await client.push(PRIMARY, repository, image, [parseTag(`v${round}`)], [repository]);
    if (pushed !== 'ok') throw new Error(`the image was not taken: ${pushed}`);
    await until(
      async () => (received(world) - before > COPYING_BYTES ? true : undefined),
      'a copy under way',
      COPYING_WITHIN_MS,
      signal,
    );
    await client.deleteManifest(PRIMARY, repository, image.digest);
    await collect(world, blob.digest, signal);
    say(`deleted and collected ${round + 1} of ${rounds} under way`);
    for (const line of lines) line.restore();
  }
  await stage.workload.pushNew(client, new SeededRandom(seed), PRIMARY);
  return stage.conclude([[rounds, 'images deleted while they were copied']]);
}

function received(world: World): number {
  return REPLICAS.reduce((sum, region) => sum + world.link(region, PRIMARY).back.bytes, 0);
}

/** Collects at the primary until the bytes are gone. */
async function collect(world: World, digest: Digest, signal: AbortSignal): Promise<void> {
  const store = await world.openBucket(PRIMARY);
  const [admin] = world.adminUrls(PRIMARY);
  await until(
    async () => {
      // One that is running is as good.
      await askOperators(`${admin}/admin/v1/gc?force=true`, 'POST', signal).catch(() => undefined);
      await systemClock.sleep(BETWEEN_MS, signal);
      const found = await store.read(keys.blob(digest), signal);
      return found === undefined || Buffer.from(found.bytes).includes('"gone"') ? true : undefined;
    },
    'the blob to be collected at the primary',
    COLLECTED_WITHIN_MS,
    signal,
  );
}
