import type { RegionParts } from './region-parts.js';

/** Without a word from the replicator, how often its stored progress is looked at: one small read. */
const POLL_MS = 1_000;

/**
 * Keeps the region's status true: from what the replicator says, and, should that get lost, from what it stores. Resolves
 * once the stored progress is known.
 */
export async function followProgress(parts: RegionParts, signal: AbortSignal): Promise<void> {
  const { status, progress, bus } = parts;
  status.update(await progress.open(signal));
  bus.subscribe((message) => {
    if (message.kind === 'region.progress') status.update(message.progress);
  });
  void poll(parts, signal);
}

async function poll({ status, progress, context }: RegionParts, signal: AbortSignal): Promise<void> {
  const { clock, log } = context;
  while (!signal.aborted) {
    try {
      await clock.sleep(POLL_MS, signal);
      const found = await progress.find(signal);
      if (found !== undefined && found.generation === status.progress.generation) status.update(found);
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'reading the stored progress failed');
    }
  }
}
