import { checkAllEqual, checkAllSucceeded, checkGoesOn, type Drill, embeddedOf, FAULT_MS } from './drill.js';

export const linkCut: Drill = {
  name: 'link-cut',
  summary: 'the lines of a replica are cut, and mended: it serves what it has, and catches up',
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, target, clock, signal, onProgress } = context;
    onProgress(`${victim.name} is cut off`);
    const faultMs = clock.monotonic();
    await embeddedOf(context).cutLines(victim.name, signal);
    await clock.sleep(FAULT_MS, signal);
    await embeddedOf(context).restoreLines(signal);
    await traffic.stop();
    const others = target.regions.filter(({ name }) => name !== victim.name);
    return [
      checkAllSucceeded(`pulls in ${victim.name} from its own replica`, traffic.pulls(victim.name, 'replica')),
      // They are sent to the nearest region that has the newest push: that may have been the victim just now.
      ...others.map(({ name }) =>
        checkGoesOn(`pulls through the router in ${name} go on`, traffic.pulls(name, 'router'), faultMs),
      ),
      checkAllSucceeded('pushes', traffic.pushes),
      await checkAllEqual(context),
    ];
  },
};
