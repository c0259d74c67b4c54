import type { BlobDescriptor } from '#libs/oci';
import type { AppContext } from '#libs/platform';
import {
  type FindManifestElsewhere,
  type ReadEntries,
  type RegionContent,
  type RepairBlob,
  Scrubber,
  type ScrubObserver,
  type ScrubReport,
  type ScrubRequest,
  type Scrubs,
  Upkeep,
  type UpkeepWork,
  untilNextScrub,
  wasScrubbed,
} from '#libs/registry';
import type { ObjectStore } from '#libs/storage';

export interface ScrubParts {
  readonly store: ObjectStore;
  readonly content: RegionContent;
  readonly repair: RepairBlob;
  readonly entries: ReadEntries;
  readonly manifestElsewhere: FindManifestElsewhere;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/** The scrubs of a process, as its configuration wants them and with their metrics. */
export function openScrubs(context: AppContext, { signal, ...parts }: ScrubParts): Scrubs {
  const { config, clock, random, log } = context;
  const { intervalMs, rateBytesPerSecond } = config.scrub;
  const name = `process ${process.pid}`;
  const scrubber = new Scrubber({ ...parts, rateBytesPerSecond, name, clock, random, observer: observer(context) });
  const work: UpkeepWork<ScrubRequest, ScrubReport> = {
    get report() {
      return scrubber.report;
    },
    run: scrubber.run.bind(scrubber),
  };
  const leftMs = (looking: AbortSignal): Promise<number> =>
    untilNextScrub(parts.store, { intervalMs, nowMs: clock.now() }, looking);
  return new Upkeep({
    work,
    usual: {},
    pauseMs: async (looking) => (intervalMs > 0 ? leftMs(looking) : undefined),
    isDue: async (looking) => !(await wasScrubbed(parts.store, { intervalMs, nowMs: clock.now() }, looking)),
    clock,
    random,
    onError: (error) => log.warn({ err: error }, 'the scrub was interrupted, it goes on later'),
    signal,
  });
}

/** Says of every blob that this process takes out of use, whoever found it. */
export function reportDamage({ log, metrics }: AppContext, { blobs }: RegionContent): void {
  blobs.onDamage(({ digest, data, reason }, quarantined) => {
    if (!quarantined) return;
    metrics.damaged.inc({ kind: 'blob' });
    log.error({ digest, data, found: reason }, 'blob quarantined: its bytes are wrong');
  });
}

/** Says what became of repairs. */
export function repairReports({ log, metrics }: AppContext) {
  return {
    onRepaired: ({ digest, size }: BlobDescriptor): void => {
      metrics.repaired.inc({ kind: 'blob' });
      log.info({ digest, bytes: size }, 'blob repaired: right bytes are in use again');
    },
    onFailed: ({ digest }: BlobDescriptor, error: unknown): void =>
      log.warn({ err: error, digest }, 'no other region gives what is damaged here, it will be tried again'),
  };
}

function observer({ log, metrics, clock }: AppContext): ScrubObserver {
  return {
    onSeen: (kind, count, bytes) => {
      metrics.scrubObjects.inc({ kind }, count);
      metrics.scrubBytes.inc(bytes);
    },
    onFinding: ({ kind, repository, digest, data, expected, found }) => {
      // Whoever quarantines a blob says so.
      if (kind === 'blob') return;
      metrics.damaged.inc({ kind });
      log.error({ kind, repository, digest, data, expected, found }, 'damage found');
    },
    onRestored: ({ repository, digest }) => {
      metrics.repaired.inc({ kind: 'manifest' });
      log.info({ repository, digest }, 'manifest restored');
    },
    onUnreadable: (key, error) => log.warn({ err: error, key }, 'the store does not give what is to be scrubbed'),
    onFinished: (report) => {
      const { scrub, outcome, reason, seen, damaged, repaired, unreadable, startedMs } = report;
      const durationMs = clock.now() - startedMs;
      log.info({ scrub, outcome, reason, seen, damaged, repaired, unreadable, durationMs }, 'scrub ended');
      if (outcome === 'done') metrics.scrubLastSuccess.set(clock.now() / 1_000);
    },
  };
}
