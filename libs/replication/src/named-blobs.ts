import { LRUCache } from 'lru-cache';
import { type BlobDescriptor, type Digest, parseManifest, type RepositoryName } from '#libs/oci';
import type { Clock } from '#libs/resilience';

/** A client asks for the blobs right after the manifest; who comes later asks the primary. */
const REMEMBERED_MS = 10_000;

const MAX_BLOBS = 10_000;

interface Named {
  readonly blob: BlobDescriptor;
  readonly untilMs: number;
}

/**
 * Blobs that manifests name which the primary gave a moment ago: it has them in that repository, or it would not have
 * the manifest. So nobody needs to ask for them one by one, over a line that is full of their bytes.
 */
export class NamedBlobs {
  readonly #named = new LRUCache<string, Named>({ max: MAX_BLOBS });

  constructor(private readonly clock: Clock) {}

  remember(repository: RepositoryName, manifest: { readonly content: Uint8Array; readonly mediaType: string }): void {
    const untilMs = this.clock.monotonic() + REMEMBERED_MS;
    for (const blob of blobsOf(manifest)) this.#named.set(keyOf(repository, blob.digest), { blob, untilMs });
  }

  find(repository: RepositoryName, digest: Digest): BlobDescriptor | undefined {
    const named = this.#named.get(keyOf(repository, digest));
    return named !== undefined && named.untilMs > this.clock.monotonic() ? named.blob : undefined;
  }
}

function keyOf(repository: RepositoryName, digest: Digest): string {
  return `${repository} ${digest}`;
}

/** Whatever the primary took is served; what this version cannot read names nothing. */
function blobsOf({
  content,
  mediaType,
}: {
  readonly content: Uint8Array;
  readonly mediaType: string;
}): readonly BlobDescriptor[] {
  try {
    return parseManifest(content, mediaType).blobs;
  } catch {
    return [];
  }
}
