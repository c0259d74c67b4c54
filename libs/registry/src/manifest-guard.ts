import { type BlobsSweep, type Change, type Guard, isRepositoryChange } from '#libs/journal';
import { type Digest, type Manifest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import { type Precondition, requirePrecondition } from './precondition.js';
import type { RegionContent } from './region-content.js';

interface GuardedPush {
  readonly repository: RepositoryName;
  readonly manifest: Manifest;
  readonly tags: readonly Tag[];
  readonly precondition?: Precondition;
}

/**
 * What must hold where a manifest takes its place in the journal: everything that it names is there, and its tags are in
 * the state that the client asked for. Whatever could change that in between makes the journal ask again.
 */
export function manifestGuard(content: RegionContent, push: GuardedPush): Guard {
  const { repository, manifest, tags, precondition } = push;
  return {
    async validate(signal) {
      const [missing] = await Promise.all([
        missingDigests(content, repository, manifest, signal),
        precondition === undefined ? undefined : requireState(content, push, precondition, signal),
      ]);
      if (missing.length > 0)
        throw new RegistryError(
          'MANIFEST_BLOB_UNKNOWN',
          missing.map((digest) => ({ digest })),
        );
    },
    touchedBy(change) {
      if (change.type === 'blobs.sweep') return sweepsAny(change, manifest.blobs);
      if (!isRepositoryChange(change) || change.repository !== repository) return false;
      if (change.type === 'manifest.delete' || change.type === 'blob.delete') return true;
      if (precondition === undefined) return false;
      const isItself = change.type === 'manifest.put' && change.digest === manifest.digest;
      return isItself || tagsOf(change).some((tag) => tags.includes(tag));
    },
  };
}

/** Every tag that a change touches. */
export function tagsOf(change: Change): readonly Tag[] {
  switch (change.type) {
    case 'tag.delete':
      return [change.tag];
    case 'manifest.put':
    case 'manifest.delete':
      return change.tags;
    case 'blob.delete':
    case 'blobs.sweep':
    case 'policy.put':
      return [];
  }
}

function sweepsAny({ blobs, links }: BlobsSweep, needed: readonly { readonly digest: Digest }[]): boolean {
  const swept = new Set([...blobs, ...links.map(({ digest }) => digest)]);
  return needed.some(({ digest }) => swept.has(digest));
}

async function missingDigests(
  content: RegionContent,
  repository: RepositoryName,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<readonly Digest[]> {
  const blobs = manifest.blobs.map(async ({ digest, size }) => {
    const [linked, record] = await Promise.all([
      content.links.has(repository, digest, signal),
      content.blobs.stat(digest, signal),
    ]);
    return linked && record?.size === size ? undefined : digest;
  });
  const children = manifest.children.map(async ({ digest }) => {
    const found = await content.manifests.find(repository, digest, signal);
    return found === undefined ? digest : undefined;
  });
  const digests = await Promise.all([...blobs, ...children]);
  return digests.filter((digest) => digest !== undefined);
}

/** The condition is of every tag that the push names; of the manifest itself if it names none. */
async function requireState(
  content: RegionContent,
  { repository, manifest, tags }: GuardedPush,
  precondition: Precondition,
  signal: AbortSignal,
): Promise<void> {
  for (const tag of tags) {
    const current = (await content.tags.get(repository, tag, signal))?.value;
    requirePrecondition(precondition, current, { tag });
  }
  if (tags.length > 0) return;
  const found = await content.manifests.find(repository, manifest.digest, signal);
  requirePrecondition(precondition, found === undefined ? undefined : manifest.digest, { manifest: manifest.digest });
}
