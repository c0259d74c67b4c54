import { createHash } from 'node:crypto';
import { type Digest, parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { keys } from '#libs/storage';
import type { Violation } from '../../checkers/index.js';
import { sampleBlob, sampleImage } from '../../simulation/sample-image.js';
import { deathsIn } from '../judge.js';
import { MEBIBYTE, pushLargeBlob } from '../large-blob.js';
import { PRIMARY, REGIONS } from '../places.js';
import type { Report } from '../report.js';
import type { RunContext } from '../run-context.js';
import { Stage } from '../stage.js';
import { untilEqual } from '../standing.js';
import type { World } from '../world.js';

const BLOB_BYTES = 1_024 * MEBIBYTE;
const SHORT_BYTES = 96 * MEBIBYTE;
const KILLS = 5;
/** Slower than the slowest machine reads: what waits unread in its kernel has crossed the line, and is lost with the process. */
const LINE = { megabitsPerSecond: 60 };
const RESUMES_WITHIN_MS = 10_000;
/** What a kill may cost, whatever the blob's size: all of them together 2 % of the full one. */
const BYTES_PER_KILL = (0.02 * BLOB_BYTES) / KILLS;
/** Fewer bytes than these may be something else than the blob. */
const MOVING_BYTES = MEBIBYTE;
const COPIED_WITHIN_MS = 600_000;
const POLL_MS = 20;
const repository = parseRepositoryName('team/big');
const tag = parseTag('v0');
const [, REPLICA, OTHER] = REGIONS;

/** The replicator of a region dies five times while it copies one large blob. */
export async function copyKill(context: RunContext): Promise<Report> {
  const { world, seed, short, signal, say } = context;
  const stage = new Stage('nemesis copy-kill', context);
  const size = short ? SHORT_BYTES : BLOB_BYTES;
  // Only one region copies: what crosses is counted.
  for (const seat of world.seatsOf('replicator', OTHER)) seat.hold();
  for (const from of REGIONS) if (from !== REPLICA) world.link(REPLICA, from).change(LINE);
  const startMs = systemClock.monotonic();
  const client = stage.workload.client('pusher', PRIMARY, new SeededRandom(seed), signal);
  const before = received(world);
  const blob = await pushLargeBlob(
    world.urlFor(PRIMARY, PRIMARY),
    repository,
    { seed, mebibytes: size / MEBIBYTE },
    signal,
  );
  const image = sampleImage(sampleBlob(`config ${seed}`, 100), [{ ...blob, bytes: Buffer.alloc(0) }]);
  // The large one is there already, and nobody sends it again who asks first.
  const pushed = await client.push(PRIMARY, repository, image, [tag], [repository]);
  if (pushed !== 'ok') throw new Error(`the image was not taken: ${pushed}`);
  const pauses: number[] = [];
  const problems: Violation[] = [];
  for (let kills = 0; kills < KILLS; kills += 1) {
    const target = before + ((kills + 1) * size) / (KILLS + 1);
    await until(() => received(world) >= target, COPIED_WITHIN_MS, signal);
    const [killed] = world.seatsOf('replicator', REPLICA);
    const killedMs = systemClock.monotonic();
    killed?.kill();
    // What was sent before still arrives. What comes to the next life was asked for by it.
    await killed?.untilReady(signal);
    const readyMs = systemClock.monotonic() - killedMs;
    const atStart = received(world);
    await until(() => received(world) > atStart + MOVING_BYTES, COPIED_WITHIN_MS, signal);
    pauses.push(systemClock.monotonic() - killedMs);
    say(
      `killed ${kills + 1} times: ready after ${readyMs.toFixed(0)} ms, goes on after ${pauses.at(-1)?.toFixed(0)} ms`,
    );
  }
  await until(() => isStored(world, blob.digest, signal), COPIED_WITHIN_MS, signal);
  const crossed = received(world) - before;
  const ratio = crossed / size;
  if ((await pulled(world, blob.digest, signal)) !== blob.digest)
    problems.push({ checker: 'C4 closure', what: `${REPLICA} gives other bytes` });
  for (const seat of world.seatsOf('replicator', OTHER)) seat.release();
  await Promise.all(world.seats.map((seat) => seat.untilReady(signal)));
  const { equal, standing } = await untilEqual(world, COPIED_WITHIN_MS, signal);
  if (!equal) problems.push({ checker: 'C5 convergence', what: JSON.stringify(standing) });
  const longest = Math.max(...pauses);
  if (longest > RESUMES_WITHIN_MS)
    problems.push({ checker: 'R1 resume', what: `a copy went on only after ${longest.toFixed(0)} ms` });
  if (crossed > size + KILLS * BYTES_PER_KILL)
    problems.push({ checker: 'R1 bytes', what: `${ratio.toFixed(3)} times the blob crossed` });
  await stage.history.close();
  return {
    ...{
      title: 'nemesis copy-kill',
      seed,
      tookMs: systemClock.monotonic() - startMs,
      violations: [...problems, ...deathsIn(world)],
    },
    operations: stage.history.operations,
    figures: [
      [size / MEBIBYTE, 'MiB'],
      [KILLS, 'kills'],
      [`goes on after ${pauses.map((ms) => (ms / 1_000).toFixed(1)).join(', ')} s`, ''],
      [ratio.toFixed(3), 'times the blob on the wire'],
    ],
    historyFile: stage.history.path,
    directory: world.directory,
  };
}

/** Bytes that came to the region from the others. */
function received(world: World): number {
  return REGIONS.filter((region) => region !== REPLICA).reduce(
    (sum, from) => sum + world.link(REPLICA, from).back.bytes,
    0,
  );
}

async function isStored(world: World, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const store = await world.openBucket(REPLICA);
  return (await store.stat(keys.blob(digest), signal)) !== undefined;
}

/** What the region gives for it, hashed. */
async function pulled(world: World, digest: Digest, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${world.urlFor(REPLICA, REPLICA)}/v2/${repository}/blobs/${digest}`, { signal });
  const hash = createHash('sha256');
  for await (const chunk of response.body ?? []) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

async function until(condition: () => boolean | Promise<boolean>, limitMs: number, signal: AbortSignal): Promise<void> {
  const deadline = systemClock.monotonic() + limitMs;
  while (!(await condition())) {
    if (systemClock.monotonic() > deadline) throw new Error(`it did not come to be within ${limitMs} ms`);
    await systemClock.sleep(POLL_MS, signal);
  }
}
