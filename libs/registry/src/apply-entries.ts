import type { Entry } from '#libs/journal';
import { applyEntry } from './apply-entry.js';
import type { RegionContent } from './region-content.js';

/** Enough to hide the store's latency, few enough to leave it to others. */
const AT_ONCE = 32;

/**
 * Applies what a primary's processes that died may have left behind, before anybody is answered: an outage lasts as long as
 * this does. Puts go side by side, for they may overtake each other; what takes something away waits for them, and they for it.
 */
export async function applyEntries(
  content: RegionContent,
  entries: AsyncIterable<Entry>,
  signal: AbortSignal,
): Promise<void> {
  let puts: Entry[] = [];
  const applyPuts = async (): Promise<void> => {
    await Promise.all(puts.map((entry) => applyEntry(content, entry, signal)));
    puts = [];
  };
  for await (const entry of entries) {
    if (entry.type === 'manifest.put') puts.push(entry);
    if (entry.type !== 'manifest.put' || puts.length === AT_ONCE) await applyPuts();
    if (entry.type !== 'manifest.put') await applyEntry(content, entry, signal);
  }
  await applyPuts();
}
