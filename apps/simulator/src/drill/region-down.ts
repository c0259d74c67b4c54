import { checkAllEqual, checkAllSucceeded, checkComesTrue, checkGoesOn, type Drill, FAULT_MS } from './drill.js';

const BACK_WITHIN_MS = 30_000;

export const regionDown: Drill = {
  name: 'region-down',
  summary: "a replica's processes die, and come back: its clients are served from elsewhere meanwhile",
  needsEmbedded: false,
  async run(context) {
    const { target, faults, victim, traffic, clock, signal, onProgress } = context;
    onProgress(`${victim.name} is down`);
    const faultMs = clock.monotonic();
    await faults.stopRegion(victim.name, signal);
    await clock.sleep(FAULT_MS, signal);
    const overMs = clock.monotonic();
    const during = traffic.attempts.filter(({ startMs }) => startMs < overMs);
    const routed = during.filter((each) => each.kind === 'pull' && each.source === 'router');
    const checks = [
      // Clients elsewhere are sent to the nearest region that has the newest push: that may have been the victim just now.
      ...target.regions.map(({ name }) =>
        checkGoesOn(
          `pulls through the router in ${name} go on`,
          routed.filter(({ region }) => region === name),
          faultMs,
        ),
      ),
      checkAllSucceeded(
        'pushes',
        during.filter(({ kind }) => kind === 'push'),
      ),
    ];
    await faults.startRegion(victim.name, signal);
    const isBack = async (): Promise<boolean> =>
      traffic.pulls(victim.name, 'router').at(-1)?.servedBy.includes(victim.name) ?? false;
    checks.push(await checkComesTrue(context, `${victim.name} serves its clients again`, BACK_WITHIN_MS, isBack));
    await traffic.stop();
    return [...checks, await checkAllEqual(context)];
  },
};
