import type { Change, Guard } from '#libs/journal';
import { type Digest, type Manifest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import type { TagPrecondition } from './push.js';
import type { RegionContent } from './region-content.js';

/**
 * What must hold where a manifest takes its place in the journal: everything that it names is there, and its tags are in
 * the state that the client asked for. Whatever could change that in between makes the journal ask again.
 */
export function manifestGuard(
  content: RegionContent,
  push: {
    readonly repository: RepositoryName;
    readonly manifest: Manifest;
    readonly tags: readonly Tag[];
    readonly precondition?: TagPrecondition;
  },
): Guard {
  const { repository, manifest, tags, precondition } = push;
  return {
    async validate(signal) {
      const [missing] = await Promise.all([
        missingDigests(content, repository, manifest, signal),
        precondition === undefined ? undefined : requireTags(content, repository, tags, precondition, signal),
      ]);
      if (missing.length > 0)
        throw new RegistryError(
          'MANIFEST_BLOB_UNKNOWN',
          missing.map((digest) => ({ digest })),
        );
    },
    touchedBy(change) {
      if (change.repository !== repository) return false;
      if (change.type === 'manifest.delete' || change.type === 'blob.delete') return true;
      return precondition !== undefined && tagsOf(change).some((tag) => tags.includes(tag));
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
      return [];
  }
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

async function requireTags(
  content: RegionContent,
  repository: RepositoryName,
  tags: readonly Tag[],
  precondition: TagPrecondition,
  signal: AbortSignal,
): Promise<void> {
  for (const tag of tags) {
    const digest = (await content.tags.get(repository, tag, signal))?.value;
    const holds =
      precondition.kind === 'absent'
        ? digest === undefined
        : digest !== undefined && precondition.digests.includes(digest);
    if (!holds) throw new RegistryError('PRECONDITION_FAILED', { tag, digest: digest ?? null });
  }
}
