import { Redis } from 'ioredis';
import { parseRegionName } from '#libs/geo';
import { BullReplicationQueue } from '#libs/queue';
import { describeReplicationQueue } from '#libs/replication/testing';
import { systemClock } from '#libs/resilience';
import { startRedis } from '../support/redis.js';

describeReplicationQueue('bullmq on a real redis', async () => {
  const redis = await startRedis();
  const open = (): BullReplicationQueue =>
    new BullReplicationQueue({
      redisUrl: redis.url,
      region: parseRegionName('westeurope'),
      clock: systemClock,
      onError: () => undefined,
    });
  return {
    queue: open(),
    another: open,
    lose: async () => {
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    },
    close: () => redis.stop(),
  };
});
