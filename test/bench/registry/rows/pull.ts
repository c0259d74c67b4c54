import { Blob, MIB } from '../../lib/blob.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { Field } from '../field.js';
import { SIZES } from '../sizes.js';
import { perByte, usageOf } from '../usage.js';

interface PullRow {
  readonly name: string;
  readonly title: string;
  readonly streams: number;
  readonly contenders: readonly string[];
  readonly wanted: readonly Wanted[];
}

const WARM_PULLS = 2;

/** Whole blobs, again and again: one of 512 MB, or one of 64 MB for each stream. */
function pullRow({ streams, ...rest }: PullRow): Row {
  return {
    ...rest,
    metric: 'rate',
    unit: 'MB/s',
    secondsPerRound: 5 * rest.contenders.length,
    open: async (scene) => {
      const field = new Field(scene);
      const blobs = new Map<string, readonly string[]>();
      const { blob, loadSeconds } = SIZES[scene.size];
      const bytes = streams === 1 ? blob : Math.max(MIB, blob / 8);
      return async (name) => {
        const contender = await field.get(name);
        const clients = Array.from({ length: streams }, () => contender.client());
        try {
          const digests = blobs.get(name) ?? (await pushAll(clients, bytes));
          blobs.set(name, digests);
          let pulled = 0;
          const pullUntil = (end: number) =>
            Promise.all(
              clients.map(async (client, stream) => {
                do {
                  const bytesPulled = await client.pull(digests[stream] ?? '');
                  pulled += bytesPulled;
                } while (performance.now() < end);
              }),
            );
          for (let warm = 0; warm < WARM_PULLS; warm += 1) await pullUntil(0);
          pulled = 0;
          const usage = await usageOf(contender, () => pullUntil(performance.now() + loadSeconds * 1000));
          return perByte(usage, pulled);
        } finally {
          for (const client of clients) client.close();
        }
      };
    },
  };
}

async function pushAll(clients: readonly { push(blob: Blob): Promise<void> }[], bytes: number) {
  const digests = [];
  for (const client of clients) {
    const blob = new Blob(bytes);
    await client.push(blob);
    digests.push(blob.digest);
  }
  return digests;
}

const rate = (of: string, against: string, atLeast: number): Wanted => ({ metric: 'rate', of, against, atLeast });
const REDIRECTED = ['meridian-minio', 'distribution-minio', 'minio'];

export const pullRows: readonly Row[] = [
  pullRow({
    name: 'pull-redirect-1',
    title: 'Pull a 512 MiB blob through the redirect, 1 stream',
    streams: 1,
    contenders: REDIRECTED,
    wanted: [rate('meridian-minio', 'minio', 0.96)],
  }),
  pullRow({
    name: 'pull-redirect-8',
    title: 'Pull 64 MiB blobs through the redirect, 8 streams',
    streams: 8,
    contenders: REDIRECTED,
    wanted: [rate('meridian-minio', 'minio', 0.96)],
  }),
  pullRow({
    name: 'pull-streamed-minio',
    title: 'Pull a 512 MiB blob from MinIO without a redirect, 1 stream',
    streams: 1,
    contenders: ['meridian-minio-streamed', 'distribution-minio-streamed', 'minio'],
    wanted: [rate('meridian-minio-streamed', 'minio', 0.38)],
  }),
  pullRow({
    name: 'pull-streamed-minio-4',
    title: 'Pull 64 MiB blobs without a redirect, 4 streams, two processes of Meridian',
    streams: 4,
    contenders: ['meridian-minio-streamed2', 'distribution-minio-streamed', 'minio'],
    wanted: [rate('meridian-minio-streamed2', 'minio', 0.6)],
  }),
  pullRow({
    name: 'pull-fs',
    title: 'Pull a 512 MiB blob from the filesystem, 1 stream',
    streams: 1,
    contenders: ['meridian-fs', 'distribution-fs', 'olareg', 'nginx'],
    wanted: [rate('meridian-fs', 'distribution-fs', 1)],
  }),
];
