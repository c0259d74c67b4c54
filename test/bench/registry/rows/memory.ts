import { Blob } from '../../lib/blob.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { syncDisk } from '../../lib/sync-disk.js';
import { type Contender, Field } from '../field.js';
import { SIZES } from '../sizes.js';
import { usageOf } from '../usage.js';

const CLIENTS = 8;
const SMALLER = 4;

/** Pushes, or pulls, the same number of blobs at once as there are clients, and returns the peak in MiB. */
async function peakOf(contender: Contender, blobs: readonly Blob[], what: 'push' | 'pull'): Promise<number> {
  const pairs = blobs.map((blob) => ({ blob, client: contender.client() }));
  const work = () =>
    Promise.all(
      pairs.map(({ blob, client }) => (what === 'push' ? client.push(blob, 'stream') : client.pull(blob.digest))),
    );
  try {
    return (await usageOf(contender, work)).peak;
  } finally {
    for (const { client } of pairs) client.close();
  }
}

const newBlobs = (bytes: number) => Array.from({ length: CLIENTS }, () => new Blob(bytes));

const atMost = (metric: string, bound: number): Wanted[] => OURS.map((of) => ({ metric, of, atMost: bound }));
const OURS = ['meridian-fs', 'meridian-minio-streamed'];

export const memoryRow: Row = {
  name: 'memory',
  title: 'Peak memory of a process with 8 pushes of 128 MiB at once',
  metric: 'push',
  unit: 'MiB',
  lessIsBetter: true,
  contenders: [...OURS, 'distribution-minio-streamed'],
  wanted: [
    ...atMost('push', 250),
    ...atMost('pull', 250),
    ...OURS.map((of) => ({ metric: 'push', of, against: of, againstMetric: 'pushOfQuarter', atMost: 1.2 })),
  ],
  secondsPerRound: 50,
  mostRounds: 1,
  open: async (scene) => {
    const field = new Field(scene);
    const { memoryBlob: bytes } = SIZES[scene.size];
    return async (name) => {
      const contender = await field.get(name);
      const quarter = await peakOf(contender, newBlobs(bytes / SMALLER), 'push');
      const blobs = newBlobs(bytes);
      const push = await peakOf(contender, blobs, 'push');
      const pull = await peakOf(contender, blobs, 'pull');
      await syncDisk(scene.directory);
      return { push, pull, pushOfQuarter: quarter };
    };
  },
};
