import type { Entry } from '#libs/journal';
import type { BlobDescriptor, Digest, RepositoryName } from '#libs/oci';
import type { ManifestRecord, RegionContent } from '#libs/registry';
import type { Need } from './waiting-entries.js';

/**
 * Which blobs an entry waits for: those that it names, or none of them, or those of its children too: a child that is shown
 * may be here without its blobs where the policy has asked for that.
 */
export type WantedBlobs = 'none' | 'own' | 'all';

type PutEntry = Extract<Entry, { readonly type: 'manifest.put' }>;

/** Indexes inside indexes: deeper than any client makes them, and bounded. */
const MAX_DEPTH = 8;

/**
 * What an entry needs that this region does not show, by looking into its store. Deletes need nothing. A put that a later
 * delete has overtaken needs nothing either: nobody will see it, and its content may be gone everywhere. A child that no
 * pending entry will bring was deleted later: its index does not wait for it. For blobs that are surely here it is not asked.
 */
export async function findNeeds(
  content: RegionContent,
  entry: Entry,
  signal: AbortSignal,
  wanted: WantedBlobs = 'own',
  isSurelyHere: (blob: Digest) => boolean = () => false,
): Promise<readonly Need[]> {
  if (entry.type !== 'manifest.put') return [];
  const { repository } = entry;
  const unsure = entry.blobs.filter((blob) => !isSurelyHere(blob.digest));
  const blobs = wanted === 'none' ? [] : [missingOf(content, unsure, signal)];
  const children = entry.children.map(async (child): Promise<Need[]> => {
    const found = await content.manifests.find(repository, child, signal);
    if (found === undefined) return [{ kind: 'manifest', repository, digest: child }];
    return wanted === 'all' ? missingBelow(content, repository, found, signal) : [];
  });
  const needs = (await Promise.all([...blobs, ...children])).flat();
  // Whether it was overtaken only matters then, and mostly nothing is missing.
  return needs.length > 0 && (await isOvertaken(content, entry, signal)) ? [] : needs;
}

/** Whether a later delete of the manifest was applied here. */
async function isOvertaken({ manifests }: RegionContent, entry: PutEntry, signal: AbortSignal): Promise<boolean> {
  const state = await manifests.state(entry.repository, entry.digest, signal);
  return state !== undefined && state.value === undefined && state.seq > entry.seq;
}

async function missingOf(
  { blobs }: RegionContent,
  wanted: readonly BlobDescriptor[],
  signal: AbortSignal,
): Promise<Need[]> {
  const found = await Promise.all(wanted.map(({ digest }) => blobs.stat(digest, signal)));
  return wanted.flatMap((blob, index): Need[] => (found[index] === undefined ? [{ kind: 'blob', blob }] : []));
}

async function missingBelow(
  content: RegionContent,
  repository: RepositoryName,
  { blobs, children }: ManifestRecord,
  signal: AbortSignal,
  depth = 1,
): Promise<Need[]> {
  const needs = await missingOf(content, blobs, signal);
  if (depth >= MAX_DEPTH) return needs;
  for (const child of children) {
    const found = await content.manifests.find(repository, child, signal);
    if (found !== undefined) needs.push(...(await missingBelow(content, repository, found, signal, depth + 1)));
  }
  return needs;
}
