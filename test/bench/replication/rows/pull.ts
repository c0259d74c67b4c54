import { MIB } from '../../lib/blob.js';
import { median } from '../../lib/statistics.js';
import type { Row } from '../../lib/suite.js';
import { blobsOf, bytesOf, type Image, newImage, type Pushed, smallImage } from '../images.js';
import { TRIANGLE } from '../network.js';
import { timedPull } from '../pull.js';
import { HOME, Regions, type Replica } from '../regions.js';

const REPOSITORY = 'bench/app';
const PULLS = 9;
const LIMIT_BYTES = 8 * MIB;

const nearRow: Row = {
  name: 'near-pull',
  title: 'Pull by tag at a near replica, also with its lines cut',
  metric: 'whole',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian', 'meridian-cut-off', 'far-primary'],
  // Half of one would be a way there without a way back.
  wanted: ['meridian', 'meridian-cut-off'].map((of) => ({ metric: 'trips', of, atMost: 0.5 })),
  secondsPerRound: 20,
  mostRounds: 1,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    const [near, other] = regions.replicas;
    const { roundTripMs } = await regions.limit(LIMIT_BYTES);
    const pushed = await onePush(regions, smallImage());
    await regions.presentMs(pushed);
    const pulls = async (origin: string) => {
      const took: number[] = [];
      for (let count = 0; count < PULLS; count += 1)
        took.push((await timedPull(origin, REPOSITORY, pushed.tag, pushed.image)).wholeMs);
      const whole = median(took);
      return { whole, trips: whole / roundTripMs };
    };
    const cut = (state: 'cut' | 'up') =>
      Promise.all([HOME, other.name].map((name) => regions.network.change(near.name, name, { state })));
    return async (contender) => {
      if (contender === 'far-primary') return pulls(regions.registryFrom(near.name, HOME));
      if (contender === 'meridian') return pulls(near.region.registry);
      await cut('cut');
      const seen = await pulls(near.region.registry);
      await cut('up');
      return seen;
    };
  },
};

async function onePush(regions: Regions, image: Image): Promise<Pushed> {
  const [pushed] = await regions.push([image]);
  if (pushed === undefined) throw new Error('nothing was pushed');
  return pushed;
}

const CLIENTS = 50;
const MANY_BYTES = 4 * MIB;

/** Pulls at once, of an image that the replica does not have: how often its bytes crossed the line. */
async function fetchedByMany(regions: Regions, near: Replica): Promise<number> {
  const { image, tag } = await onePush(regions, newImage(blobsOf(1, MANY_BYTES)));
  const before = await regions.network.bytes();
  const { registry } = near.region;
  await Promise.all(Array.from({ length: CLIENTS }, () => timedPull(registry, REPOSITORY, tag, image)));
  const after = await regions.network.bytes();
  return (after.into(near.name) - before.into(near.name)) / bytesOf(image);
}

const missingRow: Row = {
  name: 'pull-not-here-yet',
  title: 'Pull of an image of 32 MB that is not here yet: right after its push, and where nobody copies',
  metric: 'whole',
  unit: 'ms',
  lessIsBetter: true,
  contenders: ['meridian', 'meridian-pull-only', 'far-primary'],
  wanted: ['meridian', 'meridian-pull-only'].flatMap((of) => [
    { metric: 'firstByteTrips', of, atMost: 4 },
    { metric: 'lessOneTrip', of, against: 'far-primary', againstMetric: 'whole', atMost: 1.03 },
    { metric: 'bytesFor50', of, atMost: 1.02 },
  ]),
  secondsPerRound: 30,
  open: async (scene) => {
    const regions = await Regions.open(scene, TRIANGLE);
    const [near] = regions.replicas;
    const far = regions.registryFrom(near.name, HOME);
    // Connections are open then, and code has run once, as in processes that live for weeks.
    for (const origin of [near.region.registry, far]) {
      const { image, tag } = await onePush(regions, newImage(blobsOf(1, 32 * MIB)));
      await timedPull(origin, REPOSITORY, tag, image);
    }
    const replicator = `${near.name}-replicator`;
    return async (contender) => {
      const { roundTripMs } = await regions.limit(LIMIT_BYTES);
      if (contender === 'meridian-pull-only') await regions.network.switchProcess(replicator, 'halt');
      const { image, tag } = await onePush(regions, newImage(blobsOf(1, 32 * MIB)));
      const origin = contender === 'far-primary' ? far : near.region.registry;
      const { firstByteMs, wholeMs } = await timedPull(origin, REPOSITORY, tag, image);
      const bytesFor50 = contender === 'far-primary' ? undefined : await fetchedByMany(regions, near);
      if (contender === 'meridian-pull-only') await regions.network.switchProcess(replicator, 'resume');
      return {
        whole: wholeMs,
        firstByteTrips: firstByteMs / roundTripMs,
        lessOneTrip: wholeMs - roundTripMs,
        ...(bytesFor50 === undefined ? {} : { bytesFor50 }),
      };
    };
  },
};

export const pullRows: readonly Row[] = [nearRow, missingRow];
