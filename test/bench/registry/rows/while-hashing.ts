import { Blob, MIB } from '../../lib/blob.js';
import type { Row, Wanted } from '../../lib/suite.js';
import { syncDisk } from '../../lib/sync-disk.js';
import { type Contender, Field } from '../field.js';
import { load } from '../load.js';
import { SIZES } from '../sizes.js';
import { manifestRequest, pushSmallImage } from '../small-image.js';

const UPLOADS = 4;
const READERS = { connections: 4, pauseMs: 4 };
const OURS = ['meridian-fs', 'meridian-minio'];

/** Keeps uploads going until `work` is done. */
async function whileUploading<Result>(contender: Contender, blobs: readonly Blob[], work: () => Promise<Result>) {
  const state = { done: false };
  const upload = async (blob: Blob) => {
    const client = contender.client();
    while (!state.done) await client.push(blob, 'stream');
    client.close();
  };
  const stopAfter = async () => {
    const result = await work();
    state.done = true;
    return result;
  };
  const [result] = await Promise.all([stopAfter(), ...blobs.map(upload)]);
  return result;
}

export const whileHashingRow: Row = {
  name: 'manifest-while-hashing',
  title: 'p99 of a manifest GET while 4 uploads come in',
  metric: 'busyP99',
  unit: 'ms',
  lessIsBetter: true,
  contenders: [...OURS, 'distribution-fs', 'distribution-minio'],
  wanted: OURS.map((of): Wanted => ({ metric: 'busyP99', of, against: of, againstMetric: 'idleP99', atMost: 3 })),
  secondsPerRound: 45,
  open: async (scene) => {
    const field = new Field(scene);
    const { loadSeconds: seconds } = SIZES[scene.size];
    const blobs = Array.from({ length: UPLOADS }, () => new Blob(64 * MIB));
    return async (name) => {
      const contender = await field.get(name);
      const request = manifestRequest(await pushSmallImage(contender));
      await load(contender, request, { ...READERS, seconds: 1 });
      const idle = await load(contender, request, { ...READERS, seconds });
      const busy = await whileUploading(contender, blobs, () => load(contender, request, { ...READERS, seconds }));
      await syncDisk(scene.directory);
      return { busyP99: busy.p99, idleP99: idle.p99, busyP50: busy.p50, idleP50: idle.p50 };
    };
  },
};
