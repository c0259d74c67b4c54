import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { parseRegionName } from '#libs/geo';
import { digestOf } from '#libs/oci';
import { BullReplicationQueue } from '#libs/queue';
import { describeReplicationQueue } from '#libs/replication/testing';
import { systemClock } from '#libs/resilience';
import { startRedis } from '../support/redis.js';

describeReplicationQueue('bullmq on a real redis', async () => {
  const redis = await startRedis();
  return {
    queue: open(redis.url),
    another: () => open(redis.url),
    lose: async () => {
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    },
    close: () => redis.stop(),
  };
});

/** A job's lock is taken for 6 s, and whoever lost one is looked for every 2 s. */
const LONGER_THAN_A_LOCK_MS = 9_000;

describe('a job that takes longer than its lock', () => {
  it('is left to who runs it, also when nothing ran before for a while', async () => {
    const redis = await startRedis();
    const [queue, other] = [open(redis.url), open(redis.url)];
    const never = new AbortController().signal;
    let [runs, ended] = [0, 0];
    const handler = async (_job: unknown, signal: AbortSignal): Promise<void> => {
      runs += 1;
      await systemClock.sleep(LONGER_THAN_A_LOCK_MS, signal);
      ended += 1;
    };
    for (const each of [queue, other]) each.work(handler, { concurrency: 1, onFailed: () => undefined });
    await systemClock.sleep(500, never);
    await queue.add([{ digest: digestOf('a'), size: 1, priority: 1 }], never);
    while (runs === 0 || (runs === 1 && ended === 0)) await systemClock.sleep(50, never);
    expect([runs, ended]).toEqual([1, 1]);
    await Promise.all([queue.close(2_000), other.close(2_000)]);
    await redis.stop();
  });
});

function open(redisUrl: string): BullReplicationQueue {
  return new BullReplicationQueue({
    redisUrl,
    region: parseRegionName('westeurope'),
    clock: systemClock,
    onError: () => undefined,
  });
}
