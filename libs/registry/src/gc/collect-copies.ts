import { keys } from '#libs/storage';
import { CopyStates } from '../copy-state.js';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import type { UploadLimits } from './collect-uploads.js';
import type { CompactSet } from './compact-set.js';
import type { Cycle } from './cycle.js';

/**
 * Ends copies that nobody goes on with: state first, then its parts. A worker that comes back just then loses its claim and
 * begins anew. Adds the data keys of the others to `named`.
 */
export async function collectCopies(
  cycle: Cycle,
  { idleMs }: UploadLimits,
  named: CompactSet,
  signal: AbortSignal,
): Promise<void> {
  const { store } = cycle;
  const { uploads } = cycle.report.kinds;
  const states = new CopyStates(store);
  for await (const page of allObjects(store, keys.copyPrefix, signal)) {
    await forEachOf(page, async ({ key, modifiedMs }) => {
      const found = await states.read(key, signal);
      if (found === undefined) return;
      const { data, multipart, parts } = found.state;
      if (cycle.ageOf(modifiedMs) < idleMs) return named.add(data);
      uploads.removed += 1;
      uploads.removedBytes += parts.reduce((sum, part) => sum + part.size, 0);
      if (cycle.dryRun) return;
      await store.delete(key, signal);
      await store.multipart.abort(multipart, signal);
    });
    cycle.report.done += page.length;
  }
}
