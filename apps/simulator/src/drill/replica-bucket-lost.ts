import {
  checkAllEqual,
  checkAllSucceeded,
  checkComesTrue,
  checkGoesOn,
  type Drill,
  embeddedOf,
  FAULT_MS,
} from './drill.js';

const READY_AGAIN_WITHIN_MS = 30_000;

export const replicaBucketLost: Drill = {
  name: 'replica-bucket-lost',
  summary: "a replica's bucket is emptied: pulls through the router go on, and it fills itself again",
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, clock, signal, onProgress } = context;
    const embedded = embeddedOf(context);
    onProgress(`the bucket of ${victim.name} is emptied`);
    const faultMs = clock.monotonic();
    await embedded.loseBucket(victim.name);
    const isReady = (limited: AbortSignal): Promise<boolean> => embedded.isReady(victim.name, limited);
    await clock.sleep(FAULT_MS, signal);
    const checks = [
      checkGoesOn(`pulls through the router in ${victim.name} go on`, traffic.pulls(victim.name, 'router'), faultMs),
      checkAllSucceeded('pushes', traffic.pushes),
      await checkComesTrue(context, `${victim.name} is ready again, by itself`, READY_AGAIN_WITHIN_MS, isReady),
    ];
    await traffic.stop();
    return [...checks, await checkAllEqual(context)];
  },
};
