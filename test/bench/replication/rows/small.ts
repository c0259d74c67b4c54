import { Blob, MIB } from '../../lib/blob.js';
import { percentile } from '../../lib/statistics.js';
import type { Row, Values } from '../../lib/suite.js';
import { blobsOf, bytesOf, newImage, type Pushed, smallImage } from '../images.js';
import { TRIANGLE } from '../network.js';
import { Regions } from '../regions.js';
import { SIZES } from '../sizes.js';

const LIMIT_BYTES = 8 * MIB;

/** Milliseconds from the 201 of each push until each replica had it. */
export async function lagsOf(regions: Regions, pushed: readonly Pushed[]): Promise<readonly number[]> {
  const each = await Promise.all(
    pushed.map(async (push) => (await regions.presentMs(push)).map((atMs) => Math.max(0, atMs - push.answeredMs))),
  );
  return each.flat();
}

/** Milliseconds from the last 201 until both replicas had everything. */
export async function lastOf(regions: Regions, pushed: readonly Pushed[]): Promise<number> {
  const present = await Promise.all(pushed.map((push) => regions.presentMs(push)));
  return Math.max(...present.flat()) - Math.max(...pushed.map(({ answeredMs }) => answeredMs));
}

/** A pause between two pushes: long enough for what the first one causes to be over. */
const PAUSE_MS = 150;

/** What may go on beside the round trips, in all. */
const GRANTED_MS = 30;

const smallImageRow: Row = {
  name: 'small-image',
  title: 'One image of 64 KB: from the 201 to present in both replicas',
  metric: 'p50',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [
    { metric: 'p50Trips', of: 'meridian', atMost: 2 },
    { metric: 'p99Trips', of: 'meridian', atMost: 4 },
  ],
  secondsPerRound: 40,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    return async () => {
      const { roundTripMs } = await regions.limit(LIMIT_BYTES);
      const pushed: Pushed[] = [];
      for (let count = 0; count < SIZES[scene.size].images; count += 1) {
        const [push] = await regions.push([smallImage()]);
        if (push === undefined) break;
        pushed.push(push);
        await regions.presentMs(push);
        await pause(PAUSE_MS);
      }
      const lags = await lagsOf(regions, pushed);
      await regions.expectPresent(pushed);
      const [p50, p99] = [percentile(lags, 0.5), percentile(lags, 0.99)];
      return { p50, p99, roundTripMs, p50Trips: (p50 - GRANTED_MS) / roundTripMs, p99Trips: p99 / roundTripMs };
    };
  },
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const SETTLED_MS = 300;

const layerChangedRow: Row = {
  name: 'layer-changed',
  title: 'One layer of 64 KB of an image of 20 MB changed',
  metric: 'lag',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [
    { metric: 'trips', of: 'meridian', atMost: 3 },
    { metric: 'extraKB', of: 'meridian', atMost: 8 },
  ],
  secondsPerRound: 20,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    return async () => {
      const { roundTripMs } = await regions.limit(LIMIT_BYTES);
      const base = blobsOf(5, 4 * MIB);
      await lastOf(regions, await regions.push([newImage(base)]));
      await pause(SETTLED_MS);
      const [name] = regions.replicas.map((replica) => replica.name);
      const before = await regions.network.bytes();
      const image = newImage([...base.slice(1), new Blob(64 * 1024)]);
      const [pushed] = await regions.push([image]);
      if (pushed === undefined || name === undefined) throw new Error('nothing was pushed');
      const lag = Math.max(...(await lagsOf(regions, [pushed])));
      const crossed = (await regions.network.bytes()).into(name) - before.into(name);
      const missing = bytesOf({ ...image, layers: image.layers.slice(-1) });
      return { lag, trips: lag / roundTripMs, extraKB: (crossed - missing) / 1_000, roundTripMs };
    };
  },
};

const burstRow: Row = {
  name: 'burst',
  title: '200 small images at once',
  metric: 'p50',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [
    { metric: 'p50', of: 'meridian', atMost: 1_000 },
    { metric: 'last', of: 'meridian', atMost: 2_000 },
  ],
  secondsPerRound: 20,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    return async () => {
      const images = Array.from({ length: SIZES[scene.size].burst }, smallImage);
      const startedMs = performance.now();
      const pushed = await regions.push(images, images.length);
      const pushMs = performance.now() - startedMs;
      const [lags, last] = [await lagsOf(regions, pushed), await lastOf(regions, pushed)];
      await regions.expectPresent(pushed);
      return { p50: percentile(lags, 0.5), p99: percentile(lags, 0.99), last, pushMs };
    };
  },
};

const sharedRow: Row = {
  name: 'shared-layers',
  title: '50 images that share 20 MB of layers',
  metric: 'last',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [
    { metric: 'bytes', of: 'meridian', atMost: 1.01 },
    { metric: 'last', of: 'meridian', atMost: 2_500 },
  ],
  secondsPerRound: 20,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    return async () => {
      const { bytesPerMs } = await regions.limit(LIMIT_BYTES);
      const shared = blobsOf(5, 4 * MIB);
      const images = Array.from({ length: SIZES[scene.size].sharing }, () => newImage(shared));
      const before = await regions.network.bytes();
      const pushed = await regions.push(images, 8);
      const last = await lastOf(regions, pushed);
      await regions.expectPresent(pushed);
      const after = await regions.network.bytes();
      const missing = images.reduce((sum, { config, json }) => sum + config.bytes + json.length, sumOf(shared));
      const crossed = regions.replicas.map(({ name }) => (after.into(name) - before.into(name)) / missing);
      return { last, bytes: Math.max(...crossed), lineMs: missing / bytesPerMs } satisfies Values;
    };
  },
};

const sumOf = (blobs: readonly Blob[]) => blobs.reduce((sum, { bytes }) => sum + bytes, 0);

export const smallRows: readonly Row[] = [smallImageRow, layerChangedRow, burstRow, sharedRow];
