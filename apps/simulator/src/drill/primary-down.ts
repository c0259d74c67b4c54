import { formatMs } from '../sizes.js';
import type { Attempt } from './attempt.js';
import {
  type Check,
  checkAllEqual,
  checkAllSucceeded,
  checkComesTrue,
  checkGoesOn,
  type Drill,
  FAULT_MS,
  GO_ON_WITHIN_MS,
} from './drill.js';

const BACK_WITHIN_MS = 30_000;
/** Until the router has noticed it may send writers to where nobody is. */
const NOTICED_AFTER_MS = GO_ON_WITHIN_MS;

export const primaryDown: Drill = {
  name: 'primary-down',
  summary: "the primary's processes die, and come back: reads go on everywhere, writes are refused with 503",
  needsEmbedded: false,
  async run(context) {
    const { faults, target, traffic, clock, signal, onProgress } = context;
    const { primary } = target;
    onProgress(`${primary.name}, the primary, is down`);
    const faultMs = clock.monotonic();
    await faults.stopRegion(primary.name, signal);
    await clock.sleep(FAULT_MS, signal);
    const overMs = clock.monotonic();
    const replicas = target.regions.filter(({ name }) => name !== primary.name);
    const isDuring = ({ endMs }: Attempt): boolean => endMs <= overMs;
    const during = traffic.pushes.filter(
      ({ startMs, endMs }) => startMs > faultMs + NOTICED_AFTER_MS && endMs <= overMs,
    );
    const checks = [
      ...target.regions.map(({ name }) =>
        checkGoesOn(
          `pulls through the router in ${name} go on`,
          traffic.pulls(name, 'router').filter(isDuring),
          faultMs,
        ),
      ),
      checkAllSucceeded(
        'pulls from own replicas',
        replicas.flatMap(({ name }) => traffic.pulls(name, 'replica')),
      ),
      checkRefused(during),
    ];
    await faults.startRegion(primary.name, signal);
    const isBack = async (): Promise<boolean> =>
      traffic.pushes.some(({ startMs, failure }) => startMs > overMs && failure === undefined);
    checks.push(await checkComesTrue(context, 'pushes succeed again', BACK_WITHIN_MS, isBack));
    await traffic.stop();
    return [...checks, await checkAllEqual(context)];
  },
};

function checkRefused(pushes: readonly Attempt[]): Check {
  const refused = pushes.filter(({ failure }) => failure?.includes('answered with 503'));
  const odd = pushes.find((push) => !refused.includes(push));
  const slowest = Math.max(0, ...refused.map(({ startMs, endMs }) => endMs - startMs));
  const seen =
    odd === undefined
      ? `${refused.length} of ${pushes.length}, at most ${formatMs(slowest)} each: ${refused[0]?.failure ?? 'none was tried'}`
      : (odd.failure ?? 'one succeeded');
  return { what: 'pushes are refused with 503', seen, holds: odd === undefined && pushes.length > 0 };
}
