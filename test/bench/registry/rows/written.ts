import { Blob, MIB } from '../../lib/blob.js';
import { writtenBytes } from '../../lib/process-usage.js';
import type { Row } from '../../lib/suite.js';
import { syncDisk } from '../../lib/sync-disk.js';
import { Field } from '../field.js';
import { SIZES } from '../sizes.js';
import type { PushWay } from '../store.js';

const WAYS: readonly PushWay[] = ['mono', 'stream', 'chunks'];

/** What the store's process gives to the disk while a blob is pushed, each way: a copy at the end doubles it. */
export const writtenRow: Row = {
  name: 'written-per-byte',
  title: 'Bytes that MinIO writes per byte pushed, the worst of three ways',
  metric: 'worst',
  unit: '×',
  lessIsBetter: true,
  contenders: ['meridian-minio', 'distribution-minio', 'minio'],
  wanted: [{ metric: 'worst', of: 'meridian-minio', atMost: 1.02 }],
  secondsPerRound: 15,
  mostRounds: 1,
  open: async (scene) => {
    const field = new Field(scene);
    const bytes = Math.max(32 * MIB, SIZES[scene.size].blob / 4);
    return async (name) => {
      const contender = await field.get(name);
      const minio = await field.minioPid();
      const client = contender.client();
      const ratios: [string, number][] = [];
      try {
        for (const way of WAYS) {
          await syncDisk(scene.directory);
          const before = await writtenBytes(minio);
          await client.push(new Blob(bytes), way);
          await syncDisk(scene.directory);
          ratios.push([way, ((await writtenBytes(minio)) - before) / bytes]);
        }
      } finally {
        client.close();
      }
      return { ...Object.fromEntries(ratios), worst: Math.max(...ratios.map(([, ratio]) => ratio)) };
    };
  },
};
