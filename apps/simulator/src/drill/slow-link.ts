import type { MeasuredImage } from '../measure/measured-image.js';
import { pushMeasured, waitForMeasured } from '../measure/place-image.js';
import { formatMs } from '../sizes.js';
import { type Check, checkAllEqual, checkAllSucceeded, type Drill, type DrillContext, embeddedOf } from './drill.js';

const SLOW_MEGABITS_PER_SECOND = 8;
const BIG = 'drill/big';
const SMALL = 'drill/small';
const SMALL_IMAGES = 5;

interface Arrived {
  readonly image: MeasuredImage;
  readonly afterMs: number;
}

export const slowLink: Drill = {
  name: 'slow-link',
  summary: 'the lines of a replica are slow, and a big image is on its way: small ones overtake it',
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, images, target, signal, onProgress } = context;
    const embedded = embeddedOf(context);
    // The line is for what is measured: pushes that go on would fill it by themselves.
    await traffic.stop();
    await embedded.slowLines(victim.name, SLOW_MEGABITS_PER_SECOND, signal);
    onProgress('a big image, and small ones behind it');
    const big = await images.build('medium', 'big', signal);
    await pushMeasured(target, BIG, big, () => undefined, signal);
    const bigArrives = untilIn(context, BIG, big);
    const small = await Promise.all(Array.from({ length: SMALL_IMAGES }, (_, index) => pushSmall(context, index)));
    const overtaking = await Promise.race([bigArrives.then(() => false), Promise.all(small).then(() => true)]);
    const arrived = await bigArrives;
    await embedded.restoreLines(signal);
    return [
      describeOvertaking(arrived, small, overtaking),
      checkAllSucceeded('pulls before', traffic.pulls(victim.name, 'replica')),
      await checkAllEqual(context),
    ];
  },
};

async function pushSmall(context: DrillContext, index: number): Promise<Arrived> {
  const image = await context.images.build('small', `s${index}`, context.signal);
  await pushMeasured(context.target, SMALL, image, () => undefined, context.signal);
  return untilIn(context, SMALL, image);
}

async function untilIn(context: DrillContext, repository: string, image: MeasuredImage): Promise<Arrived> {
  const { target, victim, clock, signal } = context;
  const arrivals = await waitForMeasured(target, repository, image, () => undefined, clock, signal);
  return { image, afterMs: arrivals.find(({ region }) => region === victim.name)?.afterMs ?? Number.NaN };
}

function describeOvertaking(big: Arrived, small: readonly Arrived[], overtaking: boolean): Check {
  const slowest = Math.max(...small.map(({ afterMs }) => afterMs));
  return {
    what: `${SMALL_IMAGES} small images arrive before the big one that was pushed before them`,
    seen: `small ones after at most ${formatMs(slowest)}, the big one after ${formatMs(big.afterMs)}`,
    holds: overtaking && slowest < big.afterMs,
  };
}
