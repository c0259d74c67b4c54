import { checkAllEqual, checkAllSucceeded, checkGoesOn, type Drill, embeddedOf, FAULT_MS } from './drill.js';

export const replicatorGone: Drill = {
  name: 'replicator-gone',
  summary: "a replica's worker dies and stays away: what is new is fetched from elsewhere until it is back",
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, clock, signal, onProgress } = context;
    const embedded = embeddedOf(context);
    onProgress(`the replicator of ${victim.name} is gone`);
    const faultMs = clock.monotonic();
    await embedded.halt(victim.name, 'replicator', signal);
    await clock.sleep(FAULT_MS, signal);
    await embedded.resume(victim.name, 'replicator', signal);
    await traffic.stop();
    return [
      checkAllSucceeded(`pulls in ${victim.name} from its own replica`, traffic.pulls(victim.name, 'replica')),
      checkGoesOn(`pulls through the router in ${victim.name} go on`, traffic.pulls(victim.name, 'router'), faultMs),
      checkAllSucceeded('pushes', traffic.pushes),
      await checkAllEqual(context),
    ];
  },
};
