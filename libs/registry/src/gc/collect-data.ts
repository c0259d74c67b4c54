import { keys, type ObjectStat } from '#libs/storage';
import { allObjects, forEachOf } from '../upkeep/all-objects.js';
import { CompactSet } from './compact-set.js';
import type { Cycle } from './cycle.js';

/** Data that nothing names, remembered from one collection for the next; what is beyond has its turn after it. */
const MAX_REMEMBERED = 100_000;

/**
 * Removes data that no record and no session names, if a collection at least the grace time ago saw the same. Bytes get
 * their digest soon after they were written or not at all, so what was forgotten then stays forgotten.
 */
export async function collectData(cycle: Cycle, named: CompactSet, signal: AbortSignal): Promise<void> {
  const before = await remembered(cycle, signal);
  const found: string[] = [];
  const { data } = cycle.report.kinds;
  for await (const page of allObjects(cycle.store, keys.dataPrefix, signal)) {
    const orphans = page.filter(({ key }) => !named.has(key));
    await forEachOf(orphans, (object) => judge(object));
    cycle.report.seen.data += page.length;
    cycle.report.done += page.length;
  }
  // A list that is too young to act on goes on ageing.
  if (cycle.dryRun || (before.keys.size > 0 && !before.ripe)) return;
  await cycle.store.put(keys.gcOrphans, Buffer.from(JSON.stringify(found)), { signal });

  async function judge({ key, size }: ObjectStat): Promise<void> {
    if (before.ripe && before.keys.has(key)) {
      data.removed += 1;
      data.removedBytes += size;
      if (!cycle.dryRun) await cycle.store.delete(key, signal);
      return;
    }
    data.condemned += 1;
    data.condemnedBytes += size;
    if (found.length < MAX_REMEMBERED) found.push(key);
  }
}

async function remembered(
  cycle: Cycle,
  signal: AbortSignal,
): Promise<{ readonly keys: CompactSet; readonly ripe: boolean }> {
  const known = new CompactSet();
  const found = await cycle.store.read(keys.gcOrphans, signal);
  if (found === undefined) return { keys: known, ripe: false };
  for (const key of JSON.parse(Buffer.from(found.bytes).toString()) as string[]) known.add(key);
  return { keys: known, ripe: cycle.isOver(found.modifiedMs) };
}
