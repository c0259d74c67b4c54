import type { AppContext } from '#libs/platform';
import { Upkeep } from '#libs/registry';
import {
  AntiEntropy,
  type AntiEntropyOptions,
  type AntiEntropyReport,
  type Difference,
  lastAntiEntropy,
  nameOf,
} from '#libs/replication';

export type AntiEntropyParts = Pick<
  AntiEntropyOptions,
  'store' | 'content' | 'region' | 'primary' | 'local' | 'apply' | 'entryAt' | 'isFilling'
> & {
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
};

/** The comparisons of one process. */
export type Comparisons = Upkeep<undefined, AntiEntropyReport>;

/** The comparisons of a replica with the primary, as its configuration wants them and with their metrics. */
export function openAntiEntropy(context: AppContext, { signal, ...parts }: AntiEntropyParts): Comparisons {
  const { config, clock, random, log } = context;
  const { intervalMs } = config.antiEntropy;
  const work = new AntiEntropy({
    ...parts,
    ...{ clock, random, name: `process ${process.pid}` },
    onDifference: (difference, repaired) => tellDifference(context, difference, repaired),
    onMendError: ({ repository, ...difference }, error) =>
      log.warn({ err: error, repository, name: nameOf(difference) }, 'repairing a difference failed'),
    onFinished: (report) => tellEnd(context, report),
  });
  return new Upkeep({
    work,
    usual: undefined,
    pauseMs: async () => (intervalMs > 0 ? intervalMs : undefined),
    isDue: async (looking) => {
      const { finishedMs } = (await lastAntiEntropy(parts.store, looking)) ?? {};
      return finishedMs === undefined || clock.now() - finishedMs >= intervalMs / 2;
    },
    clock,
    random,
    onError: (error) => log.warn({ err: error }, 'the comparison with the primary failed, it is made again later'),
    signal,
  });
}

function tellDifference({ log, metrics }: AppContext, difference: Difference, repaired: boolean): void {
  const { kind, repository, expected, found } = difference;
  metrics.antiEntropyDifferences.inc({ kind, result: repaired ? 'repaired' : 'left' });
  log.error({ kind, repository, name: nameOf(difference), expected, found, repaired }, 'difference from the primary');
}

function tellEnd({ log, metrics, clock }: AppContext, report: AntiEntropyReport): void {
  const { round, outcome, reason, position, repositories, differences, repaired, startedMs } = report;
  const durationMs = clock.now() - startedMs;
  log.info(
    { round, outcome, reason, position, repositories, differences, repaired, durationMs },
    'compared with the primary',
  );
  if (outcome === 'done') metrics.antiEntropyLastSuccess.set(clock.now() / 1_000);
}
