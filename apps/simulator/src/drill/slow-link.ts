import { waitUntilPresent } from '../demo/presence.js';
import type { MeasuredImage } from '../measure/measured-image.js';
import { pushMeasured } from '../measure/place-image.js';
import { formatMs } from '../sizes.js';
import { type Check, checkAllEqual, checkAllSucceeded, type Drill, type DrillContext, embeddedOf } from './drill.js';

const SLOW_MEGABITS_PER_SECOND = 16;
const BIG = 'drill/big';
const SMALL = 'drill/small';
const SMALL_IMAGES = 5;

export const slowLink: Drill = {
  name: 'slow-link',
  summary: 'the lines of a replica are slow, and a big image is on its way: small ones overtake it',
  needsEmbedded: true,
  async run(context) {
    const { victim, traffic, images, target, clock, signal, onProgress } = context;
    const embedded = embeddedOf(context);
    // The line is for what is measured: pushes that go on would fill it by themselves.
    await traffic.stop();
    await embedded.slowLines(victim.name, SLOW_MEGABITS_PER_SECOND, signal);
    onProgress('a big image, and small ones behind it');
    const big = await images.build('large', 'big', signal);
    await pushMeasured(target, BIG, big, () => undefined, signal);
    const startMs = clock.monotonic();
    const bigArrives = arrival(context, BIG, big);
    const small = Array.from({ length: SMALL_IMAGES }, (_, index) => pushSmall(context, index));
    const [bigMs, ...smallMs] = (await Promise.all([bigArrives, ...small])).map((atMs) => atMs - startMs);
    await embedded.restoreLines(signal);
    return [
      checkOvertaking(bigMs ?? Number.NaN, Math.max(...smallMs)),
      checkAllSucceeded('pulls before', traffic.pulls(victim.name, 'replica')),
      await checkAllEqual(context),
    ];
  },
};

async function pushSmall(context: DrillContext, index: number): Promise<number> {
  const image = await context.images.build('small', `s${index}`, context.signal);
  await pushMeasured(context.target, SMALL, image, () => undefined, context.signal);
  return arrival(context, SMALL, image);
}

/** @returns when the victim has it, on the drill's clock */
async function arrival(context: DrillContext, repository: string, { manifest }: MeasuredImage): Promise<number> {
  const { target, victim, clock, signal } = context;
  const image = { repository, reference: manifest.digest };
  await waitUntilPresent(target.admin, image, [victim.name], () => undefined, clock, signal);
  return clock.monotonic();
}

function checkOvertaking(bigMs: number, slowestMs: number): Check {
  return {
    what: `${SMALL_IMAGES} small images arrive before the big one that was pushed before them`,
    seen: `the last small one after ${formatMs(slowestMs)}, the big one after ${formatMs(bigMs)}`,
    holds: slowestMs < bigMs,
  };
}
