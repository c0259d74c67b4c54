import { type Manifest, RegistryError, type RepositoryName } from '#libs/oci';
import type { RegionContent } from './region-content.js';

/** An index without those of its children that are not there. Its bytes go on to name them. */
export async function withPresentChildren(
  content: RegionContent,
  repository: RepositoryName,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<Manifest> {
  const present = await Promise.all(
    manifest.children.map(({ digest }) => content.manifests.find(repository, digest, signal)),
  );
  return { ...manifest, children: manifest.children.filter((_, index) => present[index] !== undefined) };
}

/**
 * Runs `attempt` with the children that are there. One may be deleted before the manifest has its place in the journal:
 * then it is tried again with those that are left, so at most once for each child.
 */
export async function attemptSparse<T>(
  content: RegionContent,
  repository: RepositoryName,
  manifest: Manifest,
  attempt: (known: Manifest) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let known = await withPresentChildren(content, repository, manifest, signal);
  for (;;) {
    try {
      return await attempt(known);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'MANIFEST_BLOB_UNKNOWN') throw error;
      const left = await withPresentChildren(content, repository, known, signal);
      if (left.children.length === known.children.length) throw error;
      known = left;
    }
  }
}
