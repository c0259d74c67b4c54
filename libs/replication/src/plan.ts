import type { Entry } from '#libs/journal';
import type { RegionContent } from '#libs/registry';
import type { Need } from './waiting-entries.js';

/**
 * What an entry needs that this region does not show, by looking into its store. Deletes need nothing. A put that a later
 * delete has overtaken needs nothing either: nobody will see it, and its content may be gone everywhere. A child that no
 * pending entry will bring was deleted later: its index does not wait for it.
 */
export async function findNeeds(content: RegionContent, entry: Entry, signal: AbortSignal): Promise<readonly Need[]> {
  if (entry.type !== 'manifest.put') return [];
  const { repository, digest, seq } = entry;
  const state = await content.manifests.state(repository, digest, signal);
  if (state !== undefined && state.value === undefined && state.seq > seq) return [];

  const blobs = entry.blobs.map(async (blob): Promise<Need[]> => {
    const record = await content.blobs.stat(blob.digest, signal);
    return record === undefined ? [{ kind: 'blob', blob }] : [];
  });
  const children = entry.children.map(async (child): Promise<Need[]> => {
    const found = await content.manifests.find(repository, child, signal);
    return found === undefined ? [{ kind: 'manifest', repository, digest: child }] : [];
  });
  return (await Promise.all([...blobs, ...children])).flat();
}
