import type { LocalSummary } from '#libs/registry';
import { Verifications } from '#libs/replication';
import type { RegionParts } from './region-parts.js';

/** Holding the other regions beside this one, the primary, by what its bucket says now. */
export function openVerifications(parts: RegionParts, summary: LocalSummary, signal: AbortSignal): Verifications {
  const { context, content, peers } = parts;
  const { clock, random, log, metrics } = context;
  return new Verifications({
    ...{ primary: summary.afresh, peers, clock, random, signal },
    policy: (reading) => content.policies.current(reading),
    onFinished: ({ verify, outcome, reason, seq, repositories, rehash, regions, startedMs }) => {
      const durationMs = clock.now() - startedMs;
      const verdicts = Object.fromEntries(regions.map(({ region, state }) => [region, state]));
      log.info({ verify, outcome, reason, seq, repositories, rehash, verdicts, durationMs }, 'regions verified');
      for (const { region, state } of regions) metrics.verifications.inc({ region, result: state });
    },
  });
}
