import { MIB } from '../../lib/blob.js';
import { median } from '../../lib/statistics.js';
import type { Row } from '../../lib/suite.js';
import { blobsOf, bytesOf, newImage, smallImage } from '../images.js';
import { TRIANGLE } from '../network.js';
import { Regions, type Replica } from '../regions.js';
import { SIZES } from '../sizes.js';

/** Images are built on few bases: each has a config and a manifest of its own. The bases alone take the line 1.7 s. */
const BASES = 5;
const BASE_BYTES = 8 * MIB;
const CLIENTS = 16;
const LIVE = 12;
const PARTS = ['redis', 'registry', 'replicator'];
const FILLED_WITHIN_MS = 20 * 60_000;

/** The lag of pushes to a region that is there anyway, one after the other. */
async function liveLag(regions: Regions, { arrivals }: Replica): Promise<number> {
  const lags: number[] = [];
  for (let count = 0; count < LIVE; count += 1) {
    const [pushed] = await regions.push([smallImage()]);
    if (pushed === undefined) break;
    lags.push(Math.max(0, (await arrivals.of(pushed.seq, regions.signal)) - pushed.answeredMs));
  }
  return median(lags);
}

export const joiningRow: Row = {
  name: 'joining',
  title: 'A region joins 5,000 images',
  metric: 'rate',
  unit: 'images/s',
  contenders: ['meridian'],
  wanted: [
    { metric: 'bytes', of: 'meridian', atMost: 1.01 },
    { metric: 'rate', of: 'meridian', atLeast: 500 },
    { metric: 'liveLag', of: 'meridian', against: 'meridian', againstMetric: 'lagBefore', atMost: 2 },
  ],
  secondsPerRound: 120,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    const [there, joins] = regions.replicas;
    for (const part of PARTS.toReversed()) await regions.network.switchProcess(`${joins.name}-${part}`, 'halt');
    // One that had begun would follow the journal from there, beside the snapshot.
    await regions.emptyStore(joins.name);
    return async () => {
      const bases = blobsOf(BASES, BASE_BYTES);
      const images = Array.from({ length: SIZES[scene.size].joining }, (_, at) =>
        newImage(bases.slice(at % BASES).slice(0, 1)),
      );
      const pushed = await regions.push(images, CLIENTS);
      const last = Math.max(...pushed.map(({ seq }) => seq));
      await there.arrivals.of(last, scene.signal);
      const lagBefore = await liveLag(regions, there);
      await takeSnapshot(regions);
      const before = await regions.network.bytes();
      for (const part of PARTS) await regions.network.switchProcess(`${joins.name}-${part}`, 'resume');
      const { arrivals } = joins;
      // Until its programs run it is no region.
      const begun = () => arrivals.status?.bootstrap !== undefined || (arrivals.status?.watermark ?? 0) >= last;
      await arrivals.until(begun, 'a word of the region', scene.signal);
      const startedMs = performance.now();
      const filled = arrivals.until(
        () => (arrivals.status?.watermark ?? 0) >= last,
        'the whole region',
        scene.signal,
        FILLED_WITHIN_MS,
      );
      const live = liveLag(regions, there);
      await filled;
      const seconds = (performance.now() - startedMs) / 1_000;
      const crossed = (await regions.network.bytes()).into(joins.name) - before.into(joins.name);
      const unique = images.reduce((sum, { config, json }) => sum + config.bytes + json.length, 0);
      const missing = unique + bases.reduce((sum, { bytes }) => sum + bytes, 0) + LIVE * bytesOf(smallImage());
      return { rate: images.length / seconds, bytes: crossed / missing, seconds, lagBefore, liveLag: await live };
    };
  },
};

async function takeSnapshot({ cluster }: Regions): Promise<void> {
  const answer = await fetch(new URL('/admin/v1/snapshot', cluster.primary.admin), { method: 'POST' });
  if (!answer.ok) throw new Error(`the snapshot: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}
