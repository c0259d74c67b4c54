import type { Residency } from '#libs/replication';
import { nextBeat } from '#libs/resilience';
import type { RegionParts } from './region-parts.js';

/** How soon this process goes by a policy that the region's replicator heard of: two small reads. */
const POLL_MS = 500;

const NOT_LOOKED_YET = {};

/** Keeps what this region may show in step with what its store says. Resolves once that is known. */
export async function followPolicy(
  parts: Pick<RegionParts, 'content' | 'context'>,
  residency: Residency,
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  let seen: object | undefined = NOT_LOOKED_YET;
  const look = async (): Promise<void> => {
    const { policies } = parts.content;
    const current = await policies.current(signal);
    // A policy is followed after it came: where there was none, and is none, a region need not look for that too.
    const enforced = (seen ?? current) === undefined ? undefined : await policies.enforced(signal);
    seen = current ?? enforced;
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
