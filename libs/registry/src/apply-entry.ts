import type { BlobDelete, BlobsSweep, Entry, ManifestDelete, ManifestPut, TagDelete } from '#libs/journal';
import type { Descriptor, Digest } from '#libs/oci';
import { allEnded } from '#libs/resilience';
import type { RegionContent } from './region-content.js';

/** Of a sweep's items, so many side by side: others want to use the store too. */
const SWEPT_AT_ONCE = 16;

/**
 * What changes a region's content. Rules say what a region may have: the primary stores them as they come, a replica has to
 * remember those that it was not done with.
 */
export type ContentEntry = Exclude<Entry, { readonly type: 'policy.put' }>;

/** Makes an entry visible in the primary's region. */
export function applyEntry(content: RegionContent, entry: Entry, signal: AbortSignal): Promise<void> {
  if (entry.type === 'policy.put') return content.policies.put(entry, signal);
  return applyContentEntry(content, entry, signal);
}

/**
 * Makes an entry visible in a region: the one function behind the primary's writes, the replicas, crash recovery and
 * the filling of a new region. It may run twice, and entries may come in any order: every view moves only to a higher
 * seq, so the outcome is that of the journal's order. Also when it fails nothing of it is under way any more.
 *
 * Precondition, for `manifest.put`: its blobs are stored here and its children were applied here, for from here on they
 * can be pulled (I2). What readers need comes before what leads them to it: links, manifest, referrers, tags.
 *
 * `newLinks` says of which blobs the repository probably has no link yet: a guess that saves looks, and changes no outcome.
 */
export async function applyContentEntry(
  content: RegionContent,
  entry: ContentEntry,
  signal: AbortSignal,
  newLinks?: NewLinks,
): Promise<void> {
  switch (entry.type) {
    case 'manifest.put':
      return putManifest(content, entry, signal, newLinks);
    case 'tag.delete':
      return deleteTag(content, entry, signal);
    case 'manifest.delete':
      return deleteManifest(content, entry, signal);
    case 'blob.delete':
      return deleteBlob(content, entry, signal);
    case 'blobs.sweep':
      return sweepBlobs(content, entry, signal);
  }
}

type At<T> = T & { readonly seq: number };

type NewLinks = (blob: Digest) => boolean;

/** Nothing is left out for a put that a later delete has overtaken: the outcome may not depend on who came first. */
async function putManifest(
  content: RegionContent,
  entry: At<ManifestPut>,
  signal: AbortSignal,
  newLinks: NewLinks | undefined,
): Promise<void> {
  const { links, catalog, manifests, referrers, tags } = content;
  const { repository, digest, seq } = entry;
  await allEnded([
    catalog.add(repository, signal),
    ...entry.blobs.map(({ digest: blob }) => links.add(repository, blob, seq, signal, newLinks?.(blob))),
  ]);
  await manifests.put(seq, entry, signal);
  if (entry.subject !== undefined) await referrers.add(repository, entry.subject, seq, describe(entry), signal);
  await allEnded(entry.tags.map((tag) => tags.set(repository, tag, seq, digest, signal)));
}

async function deleteTag(content: RegionContent, entry: At<TagDelete>, signal: AbortSignal): Promise<void> {
  await content.tags.set(entry.repository, entry.tag, entry.seq, undefined, signal);
}

async function deleteManifest(content: RegionContent, entry: At<ManifestDelete>, signal: AbortSignal): Promise<void> {
  const { repository, digest, seq, subject } = entry;
  await allEnded(entry.tags.map((tag) => content.tags.set(repository, tag, seq, undefined, signal)));
  await content.manifests.delete(seq, repository, digest, signal);
  if (subject !== undefined) await content.referrers.remove(repository, subject, seq, digest, signal);
}

async function deleteBlob(content: RegionContent, entry: At<BlobDelete>, signal: AbortSignal): Promise<void> {
  await content.links.remove(entry.repository, entry.digest, entry.seq, signal);
}

/**
 * Links before records before bytes: who sees a link finds what it leads to. The same in every region, whatever its role:
 * a record goes only if that very collection condemned it, and another region's blobs are condemned by its own.
 */
async function sweepBlobs(content: RegionContent, entry: At<BlobsSweep>, signal: AbortSignal): Promise<void> {
  await inGroups(entry.links, ({ repository, digest }) => content.links.sweep(repository, digest, entry, signal));
  await inGroups(entry.blobs, (digest) => content.blobs.sweep(digest, entry.cycle, signal));
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += SWEPT_AT_ONCE) {
    await allEnded(items.slice(start, start + SWEPT_AT_ONCE).map(work));
  }
}

/** How the referrers API shows a manifest (distribution-spec, Listing Referrers; image-spec, Descriptors). */
function describe(entry: ManifestPut): Descriptor {
  return {
    mediaType: entry.mediaType,
    digest: entry.digest,
    size: Buffer.byteLength(entry.content),
    ...(entry.artifactType === undefined ? {} : { artifactType: entry.artifactType }),
    ...(entry.annotations === undefined ? {} : { annotations: entry.annotations }),
  };
}
