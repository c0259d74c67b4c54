import { checkAllEqual, checkAllSucceeded, type Drill } from './drill.js';

const ROUNDS = 8;
const BETWEEN_MS = 700;

export const redisFlush: Drill = {
  name: 'redis-flush',
  summary: 'the Redis of every region forgets everything, again and again: nobody notices',
  needsEmbedded: false,
  async run(context) {
    const { faults, traffic, target, clock, signal, onProgress } = context;
    for (let round = 1; round <= ROUNDS; round += 1) {
      onProgress(`every Redis forgets everything, ${round} of ${ROUNDS}`);
      await Promise.all(target.regions.map(({ name }) => faults.flushRedis(name, signal)));
      await clock.sleep(BETWEEN_MS, signal);
    }
    await traffic.stop();
    const pulls = traffic.attempts.filter(({ kind }) => kind === 'pull');
    return [
      checkAllSucceeded('pushes', traffic.pushes),
      checkAllSucceeded('pulls', pulls),
      await checkAllEqual(context),
    ];
  },
};
