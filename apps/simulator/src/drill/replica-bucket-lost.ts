import {
  type Check,
  checkAllEqual,
  checkAllSucceeded,
  checkComesTrue,
  checkGoesOn,
  type Drill,
  type DrillContext,
  embeddedOf,
  FAULT_MS,
} from './drill.js';

const UNREADY_WITHIN_MS = 5_000;
const BY_ITSELF_MS = 30_000;
const AFTER_RESTART_MS = 60_000;

export const replicaBucketLost: Drill = {
  name: 'replica-bucket-lost',
  summary: "a replica's bucket is emptied: it says so, is left alone, and is filled again",
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, clock, signal, onProgress } = context;
    const embedded = embeddedOf(context);
    onProgress(`the bucket of ${victim.name} is emptied`);
    const faultMs = clock.monotonic();
    await embedded.loseBucket(victim.name);
    const isReady = (limited: AbortSignal): Promise<boolean> => embedded.isReady(victim.name, limited);
    const isUnready = async (limited: AbortSignal): Promise<boolean> => !(await isReady(limited));
    const checks = [
      await checkComesTrue(context, `${victim.name} says that it is not ready`, UNREADY_WITHIN_MS, isUnready),
    ];
    await clock.sleep(FAULT_MS, signal);
    checks.push(
      checkGoesOn(`pulls through the router in ${victim.name} go on`, traffic.pulls(victim.name, 'router'), faultMs),
      checkAllSucceeded('pushes', traffic.pushes),
      await checkRefills(context, isReady),
    );
    await traffic.stop();
    return [...checks, await checkAllEqual(context)];
  },
};

/** By itself, or else when an operator starts its processes again. */
async function checkRefills(context: DrillContext, isReady: (signal: AbortSignal) => Promise<boolean>): Promise<Check> {
  const { victim, signal } = context;
  const embedded = embeddedOf(context);
  const alone = await checkComesTrue(context, `${victim.name} is ready again, by itself`, BY_ITSELF_MS, isReady);
  if (alone.holds) return alone;
  for (const app of ['registry', 'replicator'] as const) await embedded.halt(victim.name, app, signal);
  // Both at once: a replicator that fills the bucket is what the registry waits for.
  await Promise.all((['registry', 'replicator'] as const).map((app) => embedded.resume(victim.name, app, signal)));
  return checkComesTrue(context, `${victim.name} is ready again, after a restart`, AFTER_RESTART_MS, isReady);
}
