import { type BlobDescriptor, type Digest, parseManifest, type RepositoryName } from '#libs/oci';
import type { PeerClient } from '#libs/peer';
import type { RegionContent } from '#libs/registry';

/** A manifest of an image, and whether this region shows it. */
export interface ClosureManifest {
  readonly digest: Digest;
  readonly size: number;
  readonly here: boolean;
  readonly blobs: readonly BlobDescriptor[];
  readonly children: readonly Digest[];
}

/** Indexes inside indexes: deeper than any client makes them, and bounded. */
const MAX_DEPTH = 8;

/**
 * Every manifest under `digest`, itself first: from this region where it is here, else as `origin` knows it. If nobody
 * knows it, it is listed with no content and not here; a child that nobody knows was deleted, or never pushed to a sparse
 * index, and belongs to no image any more.
 */
export async function closureOf(
  content: RegionContent,
  origin: PeerClient | undefined,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
  depth = 0,
): Promise<readonly ClosureManifest[]> {
  const manifest =
    (await here(content, repository, digest, signal)) ?? (await elsewhere(origin, repository, digest, signal));
  if (manifest === undefined) return depth > 0 ? [] : [{ digest, size: 0, here: false, blobs: [], children: [] }];
  if (depth >= MAX_DEPTH) return [manifest];
  const below = await Promise.all(
    manifest.children.map((child) => closureOf(content, origin, repository, child, signal, depth + 1)),
  );
  return [manifest, ...below.flat()];
}

async function here(
  content: RegionContent,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
): Promise<ClosureManifest | undefined> {
  const found = await content.manifests.find(repository, digest, signal);
  if (found === undefined) return undefined;
  return { digest, size: found.content.length, here: true, blobs: found.blobs, children: found.children };
}

async function elsewhere(
  origin: PeerClient | undefined,
  repository: RepositoryName,
  digest: Digest,
  signal: AbortSignal,
): Promise<ClosureManifest | undefined> {
  const found = await origin?.findManifest(repository, { kind: 'digest', digest }, signal);
  if (found === undefined) return undefined;
  const { blobs, children } = parseManifest(found.content, found.mediaType);
  return { digest, size: found.content.length, here: false, blobs, children: children.map((child) => child.digest) };
}
