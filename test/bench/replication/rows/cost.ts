import { setTimeout } from 'node:timers/promises';
import type { Row } from '../../lib/suite.js';
import { blobsOf, newImage } from '../images.js';
import { TRIANGLE } from '../network.js';
import { Regions } from '../regions.js';
import { SIZES } from '../sizes.js';
import { lastOf } from './small.js';

const idleRow: Row = {
  name: 'idle',
  title: 'A replica to which nothing is pushed: share of a core, all of its processes',
  metric: 'core',
  unit: '%',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [
    { metric: 'core', of: 'meridian', atMost: 0.5 },
    { metric: 'requests', of: 'meridian', atMost: 1 },
  ],
  secondsPerRound: 285,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    const [{ name, arrivals }] = regions.replicas;
    return async () => {
      const { settlingSeconds, idleSeconds: seconds } = SIZES[scene.size];
      await lastOf(regions, await regions.push([newImage(blobsOf(1, 1_024))]));
      await setTimeout(settlingSeconds * 1_000);
      const before = {
        cpu: await regions.cpuOf(name),
        bytes: await regions.network.bytes(),
        asked: await peerRequests(regions),
      };
      await setTimeout(seconds * 1_000);
      const after = {
        cpu: await regions.cpuOf(name),
        bytes: await regions.network.bytes(),
        asked: await peerRequests(regions),
      };
      const share = (part: 'registry' | 'replicator' | 'redis') =>
        ((after.cpu[part] - before.cpu[part]) / seconds) * 100;
      const [registry, replicator, redis] = [share('registry'), share('replicator'), share('redis')];
      if (arrivals.status === undefined) throw new Error(`${name} said nothing`);
      return {
        core: registry + replicator + redis,
        registry,
        replicator,
        redis,
        bytesPerSecond: (after.bytes.into(name) - before.bytes.into(name)) / seconds,
        requests: (after.asked - before.asked) / seconds / regions.replicas.length,
      };
    };
  },
};

/** Of all regions together: of what the primary's public port counts. */
async function peerRequests({ cluster }: Regions): Promise<number> {
  const text = await (await fetch(cluster.primary.metrics)).text();
  const counted = [...text.matchAll(/^meridian_http_requests_total{[^}]*} (\d+)$/gm)];
  return counted.reduce((sum, [, count]) => sum + Number(count), 0);
}

const LAYERS = 9;
const SMALL_BYTES = 16 * 1024;
const CLIENTS = 8;

/** So many blobs, tenfold, make a process as fast as one that lives for weeks: code that has run often is compiled. */
const WARM_IMAGES = 300;

const smallBlobRow: Row = {
  name: 'small-blob-cpu',
  title: 'Processor time of a replica for each small blob (16 KB, ten in an image): replicator and Redis',
  metric: 'cpu',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [{ metric: 'cpu', of: 'meridian', atMost: 1 }],
  secondsPerRound: 30,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    const [{ name }] = regions.replicas;
    const images = (length: number) => Array.from({ length }, () => newImage(blobsOf(LAYERS, SMALL_BYTES)));
    await lastOf(regions, await regions.push(images(WARM_IMAGES), CLIENTS));
    return async () => {
      const pushing = images(SIZES[scene.size].burst);
      const before = await regions.cpuOf(name);
      await lastOf(regions, await regions.push(pushing, CLIENTS));
      const after = await regions.cpuOf(name);
      const blobs = pushing.length * (LAYERS + 1);
      const each = (part: 'registry' | 'replicator' | 'redis') => ((after[part] - before[part]) / blobs) * 1_000;
      return {
        cpu: each('replicator') + each('redis'),
        replicator: each('replicator'),
        redis: each('redis'),
        registry: each('registry'),
      };
    };
  },
};

export const costRows: readonly Row[] = [idleRow, smallBlobRow];
