import { MIB } from '../../lib/blob.js';
import type { Row } from '../../lib/suite.js';
import { blobsOf, bytesOf, newImage } from '../images.js';
import { IN_A_ROW, SMALL_WINDOWS, TRIANGLE } from '../network.js';
import { HOME, Regions } from '../regions.js';
import { SIZES } from '../sizes.js';

const LIMIT_BYTES = 64 * MIB;

/** How each contender's image is cut into layers. */
const LAYERS: Readonly<Record<string, number>> = { meridian: 8, 'meridian-one-layer': 1 };

const bigImageRow: Row = {
  name: 'big-image',
  title: 'One image of 256 MB: present, counted from the start of its push, by what the line takes for its bytes',
  metric: 'times',
  unit: '×',
  lessIsBetter: true,
  contenders: Object.keys(LAYERS),
  wanted: [
    { metric: 'times', of: 'meridian', atMost: 1.03 },
    { metric: 'times', of: 'meridian-one-layer', atMost: 1.03 },
  ],
  secondsPerRound: 60,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    return async (contender) => {
      const { roundTripMs, bytesPerMs } = await regions.limit(LIMIT_BYTES);
      const layers = LAYERS[contender] ?? 1;
      const image = newImage(blobsOf(layers, SIZES[scene.size].big / layers));
      const startedMs = performance.now();
      const [pushed] = await regions.push([image]);
      if (pushed === undefined) throw new Error('nothing was pushed');
      const present = Math.max(...(await regions.presentMs(pushed)));
      await regions.expectPresent([pushed]);
      const lineMs = bytesOf(image) / bytesPerMs;
      return {
        times: (present - startedMs - 2 * roundTripMs) / lineMs,
        timesFromEnd: (present - pushed.answeredMs) / lineMs,
        lineRate: bytesPerMs / 1_000,
        pushMs: pushed.answeredMs - startedMs,
      };
    };
  },
};

const windowedRow: Row = {
  name: 'small-windows',
  title: 'A 1 GB blob over 80 ms, where a connection carries 64 KB in a round trip',
  metric: 'rate',
  unit: 'MB/s',
  contenders: ['meridian', 'one-stream', 'line'],
  wanted: [{ metric: 'rate', of: 'meridian', against: 'line', atLeast: 0.9 }],
  secondsPerRound: 60,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, SMALL_WINDOWS);
    const [near] = regions.replicas;
    return async (contender) => {
      if (contender === 'one-stream') return { rate: (await regions.limit(4 * MIB)).bytesPerMs / 1_000 };
      // The line itself: one connection whose window is as large as it needs.
      if (contender === 'line') {
        const [a, b] = [HOME, near.name];
        await regions.network.change(a, b, { windowBytes: 16 * MIB });
        const { bytesPerMs } = await regions.limit(LIMIT_BYTES);
        await regions.network.change(a, b, { windowBytes: 64 * 1024 });
        return { rate: bytesPerMs / 1_000 };
      }
      const image = newImage(blobsOf(1, SIZES[scene.size].windowed));
      const [pushed] = await regions.push([image]);
      if (pushed === undefined) throw new Error('nothing was pushed');
      const presentMs = await near.arrivals.of(pushed.seq, scene.signal);
      await regions.presentMs(pushed);
      return { rate: bytesOf(image) / (presentMs - pushed.answeredMs) / 1_000 };
    };
  },
};

const lineRow: Row = {
  name: 'in-a-row',
  title: 'Three regions in a line: bytes that leave the primary for each byte of a 64 MB image',
  metric: 'uplink',
  unit: '×',
  lessIsBetter: true,
  contenders: ['meridian'],
  wanted: [{ metric: 'uplink', of: 'meridian', atMost: 1.02 }],
  secondsPerRound: 25,
  open: async (scene) => {
    const regions = await Regions.open(scene, IN_A_ROW, ['middle', 'end']);
    return async () => {
      const image = newImage(blobsOf(4, 16 * MIB));
      const before = await regions.network.bytes();
      const [pushed] = await regions.push([image]);
      if (pushed === undefined) throw new Error('nothing was pushed');
      const [middle = 0, end = 0] = await regions.presentMs(pushed);
      const uplink = (await regions.network.bytes()).outOf(HOME) - before.outOf(HOME);
      const { answeredMs } = pushed;
      return { uplink: uplink / bytesOf(image), middleMs: middle - answeredMs, endMs: end - answeredMs };
    };
  },
};

export const bigRows: readonly Row[] = [bigImageRow, windowedRow, lineRow];
