import type { Clock } from '#libs/resilience';
import { Limiter, withDeadline } from '#libs/resilience';
import type { ImageBuilder, MeasuredImage } from '../measure/measured-image.js';
import { waitForMeasured } from '../measure/place-image.js';
import { formatMs } from '../sizes.js';
import type { EmbeddedFaults, Faults } from '../target/faults.js';
import type { Target, TargetRegion } from '../target/target.js';
import { type Attempt, describeOutcome, interruptionMs, outcomeOf } from './attempt.js';
import { REPOSITORY, showsImage, type Traffic } from './traffic.js';

/** Something that must hold, and what was seen. */
export interface Check {
  readonly what: string;
  readonly seen: string;
  readonly holds: boolean;
}

export interface DrillContext {
  readonly target: Target;
  readonly faults: Faults;
  /** The replica that suffers, where one must. */
  readonly victim: TargetRegion;
  readonly traffic: Traffic;
  readonly images: ImageBuilder;
  readonly clock: Clock;
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
}

/** A fault, and what must hold while it lasts and when it is over. */
export interface Drill {
  readonly name: string;
  readonly summary: string;
  /** What it needs besides processes that can be taken down: a network and disks of our own. */
  readonly needsEmbedded: boolean;
  run(context: DrillContext): Promise<readonly Check[]>;
}

/** The drill's fault lasts long enough for many pulls and pushes. */
export const FAULT_MS = 8_000;
export const GO_ON_WITHIN_MS = 2_000;
const CAUGHT_UP_WITHIN_MS = 60_000;
const POLL_MS = 100;
const LOOKS_AT_ONCE = 8;

export function embeddedOf({ faults }: DrillContext): EmbeddedFaults {
  if (faults.embedded === undefined) throw new RangeError('this drill is for the embedded cluster');
  return faults.embedded;
}

export function checkAllSucceeded(what: string, attempts: readonly Attempt[]): Check {
  const outcome = outcomeOf(attempts);
  const first = attempts.find(({ failure }) => failure !== undefined)?.failure;
  const seen = first === undefined ? describeOutcome(outcome) : `${describeOutcome(outcome)}: ${first}`;
  return { what, seen, holds: outcome.failed === 0 && outcome.count > 0 };
}

export function checkGoesOn(what: string, attempts: readonly Attempt[], faultMs: number): Check {
  const ms = interruptionMs(attempts, faultMs);
  const count = outcomeOf(attempts.filter(({ endMs }) => endMs >= faultMs));
  const seen = Number.isFinite(ms)
    ? `after ${formatMs(ms)}, ${describeOutcome(count)}`
    : `not at all, ${describeOutcome(count)}`;
  return { what: `${what} within ${formatMs(GO_ON_WITHIN_MS)}`, seen, holds: ms <= GO_ON_WITHIN_MS };
}

/** Resolves when `isSo`; tells how long that took. */
export async function checkComesTrue(
  { clock, signal, onProgress }: DrillContext,
  what: string,
  withinMs: number,
  isSo: (signal: AbortSignal) => Promise<boolean>,
): Promise<Check> {
  onProgress(`waiting: ${what}`);
  const startMs = clock.monotonic();
  const until = async (limited: AbortSignal): Promise<void> => {
    while (!(await isSo(limited).catch(() => false))) await clock.sleep(POLL_MS, limited);
  };
  const holds = await withDeadline(signal, withinMs, clock, until).then(
    () => true,
    () => false,
  );
  signal.throwIfAborted();
  const seen = holds ? `after ${formatMs(clock.monotonic() - startMs)}` : `not within ${formatMs(withinMs)}`;
  return { what, seen, holds };
}

/** Every acknowledged push is in every region, by the region's own evidence, and under its tag. */
export async function checkAllEqual(context: DrillContext): Promise<Check> {
  const { traffic, target, clock, onProgress } = context;
  const what = `every acknowledged push is in all ${target.regions.length} regions`;
  onProgress(`waiting: ${what}`);
  const startMs = clock.monotonic();
  const look = async (image: MeasuredImage, limited: AbortSignal): Promise<boolean> => {
    await waitForMeasured(target, REPOSITORY, image, () => undefined, clock, limited);
    const shown = await Promise.all(target.regions.map((region) => isShown(region, image, limited)));
    return shown.every(Boolean);
  };
  const limiter = new Limiter(LOOKS_AT_ONCE);
  const isEverywhere = (image: MeasuredImage): Promise<boolean> =>
    limiter.run(context.signal, () => {
      const leftMs = Math.max(POLL_MS, startMs + CAUGHT_UP_WITHIN_MS - clock.monotonic());
      return withDeadline(context.signal, leftMs, clock, (limited) => look(image, limited)).catch(() => false);
    });
  const found = await Promise.all(traffic.pushed.map(isEverywhere));
  context.signal.throwIfAborted();
  const missing = found.filter((isThere) => !isThere).length;
  const whole = `${traffic.pushed.length} images, ${formatMs(clock.monotonic() - startMs)} after it was over`;
  const seen = missing === 0 ? whole : `${missing} of ${traffic.pushed.length} are not`;
  return { what, seen, holds: missing === 0 };
}

async function isShown(region: TargetRegion, image: MeasuredImage, signal: AbortSignal) {
  const client = region.connect('replica');
  try {
    return await showsImage(client, REPOSITORY, image, signal);
  } finally {
    await client.close();
  }
}
