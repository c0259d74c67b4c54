import { QUIET_REPORT_MS } from '#libs/replication';
import { nextBeat } from '#libs/resilience';
import type { RegionParts } from './region-parts.js';

/** Without a word from the replicator, how often its stored progress is looked at: one small read. */
const POLL_MS = 1_000;

/** When one of the words is missing that it says in any case, others may be. */
const SILENT_AFTER_MS = QUIET_REPORT_MS + 1_000;

/**
 * Keeps the region's status true: from what the replicator says, and, should that get lost, from what it stores. Resolves
 * once the stored progress is known.
 */
export async function followProgress(parts: RegionParts, signal: AbortSignal): Promise<void> {
  const { status, progress, bus, context } = parts;
  const { clock } = context;
  status.update(await progress.open(signal));
  let heardMs = Number.NEGATIVE_INFINITY;
  bus.subscribe((message) => {
    if (message.kind !== 'region.progress') return;
    heardMs = clock.monotonic();
    status.update(message.progress);
  });
  const isSilent = (): boolean => {
    // What was said meanwhile nobody heard.
    if (!bus.connected) heardMs = Number.NEGATIVE_INFINITY;
    return clock.monotonic() - heardMs > SILENT_AFTER_MS;
  };
  void poll(parts, isSilent, signal);
}

/** At a replica a new generation is the region that began anew: it has what that has. */
async function poll(
  { status, progress, context, origin }: RegionParts,
  isSilent: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const replica = origin !== undefined;
  const { clock, log } = context;
  while (!signal.aborted) {
    try {
      await nextBeat(POLL_MS, clock, signal);
      if (!isSilent()) continue;
      const found = await progress.find(signal);
      if (found !== undefined && (replica || found.generation === status.progress.generation)) status.update(found);
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'reading the stored progress failed');
    }
  }
}
