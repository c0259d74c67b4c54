import { Redis } from 'ioredis';
import { parseRegionName } from '#libs/geo';
import type { Entry } from '#libs/journal';
import { digestOf, parseRepositoryName } from '#libs/oci';
import type { JournalMessage } from '#libs/peer';
import { BullReplicationQueue } from '#libs/queue';
import { openRegionContent } from '#libs/registry';
import { type CopyHandler, type JournalSource, ProgressStore, Replicator } from '#libs/replication';
import { systemClock, systemRandom, untilAborted } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { startRedis } from '../../../support/redis.js';
import { waitFor } from '../../../support/wait-for.js';
import { MIB } from '../../lib/blob.js';
import type { Row, Scene } from '../../lib/suite.js';

const ENTRIES = 100_000;
const REPOSITORY = parseRepositoryName('bench/app');
const NEVER = new Promise<void>(() => undefined);

/** As it is unless configured: more are not taken up, whatever is announced. */
const WINDOW_ENTRIES = 1_000;

/** An image with a layer of its own, too big for anything but the queue. */
function entry(seq: number): Entry {
  const content = `image ${seq}`;
  return {
    ...{ type: 'manifest.put', repository: REPOSITORY, digest: digestOf(content), content, children: [], tags: [] },
    ...{ mediaType: 'application/vnd.oci.image.manifest.v1+json', seq, epoch: 1, timeMs: systemClock.now() },
    blobs: [{ digest: digestOf(`layer ${seq}`), size: MIB }],
  };
}

/** A primary that has all these entries, of which no blob can be had. */
const source: JournalSource = {
  isDeleted: () => Promise.resolve(false),
  origin: () => Promise.resolve(0),
  async *journal(after: number, signal: AbortSignal): AsyncGenerator<JournalMessage> {
    yield { kind: 'head', seq: ENTRIES, epoch: 1, timeMs: systemClock.now() };
    for (let seq = after + 1; seq <= ENTRIES; seq += 1) yield { kind: 'entry', entry: entry(seq) };
    await untilAborted(NEVER, signal);
  },
};

const copy: CopyHandler = (_job, signal) => untilAborted(NEVER, signal);

async function memoryUsed({ defer, signal }: Scene): Promise<number> {
  const server = await startRedis();
  defer(() => server.stop());
  const redis = new Redis(server.url);
  defer(async () => redis.disconnect());
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]) / MIB;
  const [clock, random] = [systemClock, systemRandom];
  const store = new MemoryObjectStore({ clock });
  const region = parseRegionName('east');
  const queue = new BullReplicationQueue({ redisUrl: server.url, region, clock, onError: () => undefined });
  const replicator = new Replicator({
    ...{ source, copy, copyConcurrency: 8, windowEntries: WINDOW_ENTRIES, clock, random, queue },
    content: openRegionContent({ store, clock, random }),
    progress: new ProgressStore({ store, random }),
    observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
  });
  await replicator.start(signal);
  defer(() => replicator.stop(1_000));
  const inHand = async () => {
    const { waiting, active, delayed } = await queue.counts(signal);
    return waiting + active + delayed >= WINDOW_ENTRIES;
  };
  await waitFor(inHand, { what: `${WINDOW_ENTRIES} jobs`, withinMs: 120_000 });
  return used();
}

export const waitingRow: Row = {
  name: 'redis-memory',
  title: 'Memory of Redis with 100,000 entries waiting, each for a layer of its own',
  metric: 'used',
  unit: 'MiB',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [{ metric: 'used', of: 'meridian', atMost: 50 }],
  secondsPerRound: 25,
  mostRounds: 1,
  open: async (scene) => async () => ({ used: await memoryUsed(scene) }),
};
