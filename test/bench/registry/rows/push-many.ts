import { Blob } from '../../lib/blob.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { syncDisk } from '../../lib/sync-disk.js';
import { Field } from '../field.js';
import { imageManifest, MANIFEST } from '../manifests.js';
import { SIZES } from '../sizes.js';
import { spread } from '../spread.js';
import type { BlobClient } from '../store.js';
import { perByte, perRequest, usageOf } from '../usage.js';

const LAYERS = 8;
const LAYERS_AT_ONCE = 4;
const SMALL_BYTES = 64 * 1024;
const SMALL_AT_ONCE = 8;
/** More than anybody takes in a second. */
const SMALL_PER_SECOND = 4_000;

function imageRow(name: string, title: string, contenders: readonly string[], wanted: readonly Wanted[]): Row {
  return {
    name,
    title,
    metric: 'rate',
    unit: 'MB/s',
    contenders,
    wanted,
    secondsPerRound: 10,
    open: async (scene) => {
      const field = new Field(scene);
      const { layer: bytes } = SIZES[scene.size];
      return async (contenderName) => {
        const contender = await field.get(contenderName);
        const clients = Array.from({ length: LAYERS_AT_ONCE }, () => contender.client());
        const layers = Array.from({ length: LAYERS }, () => new Blob(bytes));
        const manifest = imageManifest(new Blob(1024), layers);
        const push = async () => {
          await spread(clients, [...layers, manifest.config], (client, layer) => client.push(layer));
          await clients[0]?.pushManifest(manifest.json, 'latest', MANIFEST);
        };
        try {
          return perByte(await usageOf(contender, push), bytes * LAYERS);
        } finally {
          for (const client of clients) client.close();
          await syncDisk(scene.directory);
        }
      };
    },
  };
}

function smallBlobsRow(name: string, title: string, contenders: readonly string[], wanted: readonly Wanted[]): Row {
  return {
    name,
    title,
    metric: 'rate',
    unit: 'blobs/s',
    contenders,
    wanted,
    secondsPerRound: 5 * contenders.length,
    open: async (scene) => {
      const field = new Field(scene);
      const { loadSeconds } = SIZES[scene.size];
      return async (contenderName) => {
        const contender = await field.get(contenderName);
        const clients = Array.from({ length: SMALL_AT_ONCE }, () => contender.client());
        const blobs = Array.from({ length: SMALL_PER_SECOND * loadSeconds }, () => new Blob(SMALL_BYTES));
        const push = (client: BlobClient, blob: Blob) => client.push(blob);
        try {
          await spread(clients, blobs.splice(0, 50), push);
          let pushed = 0;
          const usage = await usageOf(contender, async () => {
            pushed = await spread(clients, blobs, push, loadSeconds);
          });
          return perRequest(usage, pushed);
        } finally {
          for (const client of clients) client.close();
          await syncDisk(scene.directory);
        }
      };
    },
  };
}

const rate = (of: string, against: string, atLeast: number): Wanted => ({ metric: 'rate', of, against, atLeast });
const ON_MINIO = ['meridian-minio', 'distribution-minio', 'minio'];
const ON_FILES = ['meridian-fs', 'distribution-fs', 'olareg', 'nginx'];

export const pushManyRows: readonly Row[] = [
  imageRow(
    'push-image-minio',
    'Push an image of 8 × 32 MiB, 4 at a time, MinIO',
    ['meridian-minio-2', ...ON_MINIO],
    [rate('meridian-minio', 'minio', 0.5), rate('meridian-minio', 'distribution-minio', 2.4)],
  ),
  imageRow(
    'push-image-fs',
    'Push an image of 8 × 32 MiB, 4 at a time, filesystem',
    ['meridian-fs-2', ...ON_FILES],
    [rate('meridian-fs', 'distribution-fs', 1.1)],
  ),
  smallBlobsRow('blobs-64k-minio', 'Push 64 KiB blobs, 8 at a time, MinIO', ON_MINIO, [
    rate('meridian-minio', 'minio', 0.45),
    rate('meridian-minio', 'distribution-minio', 5),
  ]),
  smallBlobsRow('blobs-64k-fs', 'Push 64 KiB blobs, 8 at a time, filesystem', ON_FILES, [
    rate('meridian-fs', 'distribution-fs', 2.5),
  ]),
];
