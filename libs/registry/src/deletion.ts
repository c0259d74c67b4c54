import { type Change, type Guard, isRepositoryChange, type Journal } from '#libs/journal';
import { type Digest, RegistryError, type RepositoryName, type Tag } from '#libs/oci';
import { tagsOf } from './manifest-guard.js';
import { type Precondition, requirePrecondition } from './precondition.js';
import type { RegionContent } from './region-content.js';

/** Tags read at once while looking for those that point at a manifest. */
const TAGS_AT_ONCE = 32;

/** Deletes a tag. @throws RegistryError `MANIFEST_UNKNOWN` · `PRECONDITION_FAILED` */
export async function deleteTag(
  content: RegionContent,
  journal: Journal,
  repository: RepositoryName,
  { tag, precondition }: { readonly tag: Tag; readonly precondition?: Precondition },
  signal: AbortSignal,
): Promise<{ readonly seq: number }> {
  const guard: Guard = {
    async validate(inner) {
      const state = await content.tags.get(repository, tag, inner);
      if (state?.value === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { tag });
      if (precondition !== undefined) requirePrecondition(precondition, state.value, { tag });
    },
    touchedBy: (change) => isIn(change, repository) && tagsOf(change).includes(tag),
  };
  return journal.append({ type: 'tag.delete', repository, tag }, guard, signal);
}

/** A tag came to point at the manifest, or left it, between the look and the append. */
class TagsMoved extends Error {
  override readonly name = 'TagsMoved';
}

/** Deletes a manifest and every tag that points at it. @throws RegistryError `MANIFEST_UNKNOWN` · `PRECONDITION_FAILED` */
export async function deleteManifest(
  content: RegionContent,
  journal: Journal,
  repository: RepositoryName,
  { digest, precondition }: { readonly digest: Digest; readonly precondition?: Precondition },
  signal: AbortSignal,
): Promise<{ readonly seq: number }> {
  for (;;) {
    const found = await content.manifests.find(repository, digest, signal);
    if (found === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { digest });
    // What a digest names never changes, so the order has no part in this.
    if (precondition !== undefined) requirePrecondition(precondition, digest, { manifest: digest });
    const tags = await tagsPointingAt(content, repository, digest, signal);
    const subject = found.subject === undefined ? {} : { subject: found.subject };
    const guard = deletionGuard(content, repository, digest, tags);
    try {
      return await journal.append({ type: 'manifest.delete', repository, digest, tags, ...subject }, guard, signal);
    } catch (error) {
      if (!(error instanceof TagsMoved)) throw error;
    }
  }
}

/** Takes a blob from a repository. @throws RegistryError `BLOB_UNKNOWN` */
export async function deleteBlob(
  content: RegionContent,
  journal: Journal,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
): Promise<{ readonly seq: number }> {
  const guard: Guard = {
    async validate(inner) {
      if (!(await content.links.has(repository, digest, inner))) throw new RegistryError('BLOB_UNKNOWN', { digest });
    },
    touchedBy: (change) =>
      change.type === 'blob.delete' && change.repository === repository && change.digest === digest,
  };
  return journal.append({ type: 'blob.delete', repository, digest }, guard, signal);
}

function deletionGuard(
  content: RegionContent,
  repository: RepositoryName,
  digest: Digest,
  tags: readonly Tag[],
): Guard {
  return {
    async validate(signal) {
      const found = await content.manifests.find(repository, digest, signal);
      if (found === undefined) throw new RegistryError('MANIFEST_UNKNOWN', { digest });
      const now = await tagsPointingAt(content, repository, digest, signal);
      if (now.length !== tags.length || now.some((tag) => !tags.includes(tag))) throw new TagsMoved();
    },
    touchedBy: (change) => isIn(change, repository) && movesTagsOf(change, digest, tags),
  };
}

function isIn(change: Change, repository: RepositoryName): boolean {
  return isRepositoryChange(change) && change.repository === repository;
}

function movesTagsOf(change: Change, digest: Digest, tags: readonly Tag[]): boolean {
  if (change.type === 'manifest.put' || change.type === 'manifest.delete') {
    return change.digest === digest || change.tags.some((tag) => tags.includes(tag));
  }
  return change.type === 'tag.delete' && tags.includes(change.tag);
}

async function tagsPointingAt(
  content: RegionContent,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Tag[]> {
  const pointing: Tag[] = [];
  for await (const page of content.tags.all(repository, signal)) {
    for (let start = 0; start < page.length; start += TAGS_AT_ONCE) {
      const tags = page.slice(start, start + TAGS_AT_ONCE);
      const states = await Promise.all(tags.map((tag) => content.tags.get(repository, tag, signal)));
      pointing.push(...tags.filter((_, index) => states[index]?.value === digest));
    }
  }
  return pointing;
}
