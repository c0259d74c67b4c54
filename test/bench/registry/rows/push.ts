import { Blob, MIB } from '../../lib/blob.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { syncDisk } from '../../lib/sync-disk.js';
import { Field } from '../field.js';
import { SIZES } from '../sizes.js';
import type { PushWay } from '../store.js';
import { perByte, usageOf } from '../usage.js';

const ON_MINIO = ['meridian-minio', 'distribution-minio', 'minio'];
const ON_FILES = ['meridian-fs', 'distribution-fs', 'olareg', 'nginx'];

interface PushRow {
  readonly name: string;
  readonly title: string;
  readonly way: PushWay;
  readonly contenders: readonly string[];
  readonly wanted: readonly Wanted[];
}

const rate = (of: string, against: string, atLeast: number): Wanted => ({ metric: 'rate', of, against, atLeast });

/** One large blob by one client. */
function pushRow({ way, ...rest }: PushRow): Row {
  return {
    ...rest,
    metric: 'rate',
    unit: 'MB/s',
    secondsPerRound: rest.contenders.includes('minio') ? 16 : 12,
    open: async (scene) => {
      const field = new Field(scene);
      const { blob: bytes } = SIZES[scene.size];
      return async (name) => {
        const contender = await field.get(name);
        const client = contender.client();
        try {
          await client.push(new Blob(MIB));
          const blob = new Blob(bytes);
          return perByte(await usageOf(contender, () => client.push(blob, way)), bytes);
        } finally {
          client.close();
          await syncDisk(scene.directory);
        }
      };
    },
  };
}

export const pushRows: readonly Row[] = [
  pushRow({
    name: 'push-mono-minio',
    title: 'Push a 512 MiB blob of known length, MinIO',
    way: 'mono',
    contenders: ON_MINIO,
    wanted: [rate('meridian-minio', 'minio', 0.65), rate('meridian-minio', 'distribution-minio', 2.5)],
  }),
  pushRow({
    name: 'push-stream-minio',
    title: 'Push a 512 MiB blob as one PATCH of unknown length, MinIO',
    way: 'stream',
    contenders: ON_MINIO,
    wanted: [rate('meridian-minio', 'minio', 0.45), rate('meridian-minio', 'distribution-minio', 1.8)],
  }),
  pushRow({
    name: 'push-chunks-minio',
    title: 'Push a 512 MiB blob in chunks of 16 MiB, MinIO',
    way: 'chunks',
    contenders: ON_MINIO,
    wanted: [rate('meridian-minio', 'minio', 0.45), rate('meridian-minio', 'distribution-minio', 1.8)],
  }),
  pushRow({
    name: 'push-mono-fs',
    title: 'Push a 512 MiB blob of known length, filesystem',
    way: 'mono',
    contenders: ON_FILES,
    wanted: [rate('meridian-fs', 'distribution-fs', 1.2)],
  }),
  pushRow({
    name: 'push-chunks-fs',
    title: 'Push a 512 MiB blob in chunks of 16 MiB, filesystem',
    way: 'chunks',
    contenders: ON_FILES,
    wanted: [rate('meridian-fs', 'distribution-fs', 1.1)],
  }),
];
