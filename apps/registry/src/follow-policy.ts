import type { Residency } from '#libs/replication';
import { nextBeat } from '#libs/resilience';
import type { RegionParts } from './region-parts.js';

/** How soon this process goes by a policy that the region's replicator heard of: two small reads. */
const POLL_MS = 500;

/** Keeps what this region may show in step with what its store says. Resolves once that is known. */
export async function followPolicy(
  parts: Pick<RegionParts, 'content' | 'context'>,
  residency: Residency,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const look = async (): Promise<void> => {
    const { policies } = parts.content;
    const [current, enforced] = await Promise.all([policies.current(signal), policies.enforced(signal)]);
    if (residency.update(current, enforced)) onChange();
  };
  await look();
  void poll(parts, look, signal);
}

async function poll(
  { context }: Pick<RegionParts, 'context'>,
  look: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = context;
  while (!signal.aborted) {
    try {
      await nextBeat(POLL_MS, clock, signal);
      await look();
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'reading the policy failed');
    }
  }
}
