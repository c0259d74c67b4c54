import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { describeReplicationQueue } from './testing/replication-queue.contract.js';

describeReplicationQueue('memory', async () => {
  const jobs = new MemoryQueueJobs();
  const open = (): MemoryReplicationQueue =>
    new MemoryReplicationQueue(jobs, { clock: systemClock, random: new SeededRandom(1) });
  return { queue: open(), another: open, lose: async () => jobs.lose(), close: async () => undefined };
});
