import type { BlobDescriptor, Descriptor } from './descriptor.js';
import type { Digest } from './digest.js';

/** The cap that every client in use stays under; also the distribution-spec's recommendation (Pushing Manifests). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** A manifest whose bytes were parsed and found valid. The bytes are kept exactly; nothing is ever re-serialised. */
export interface Manifest {
  readonly kind: 'image' | 'index';
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Uint8Array;
  /**
   * Blobs that must be stored for it to be whole, without repeats, foreign (`urls`) layers left out: of an image its
   * config and layers, of an index whatever it lists that no manifest can be.
   */
  readonly blobs: readonly BlobDescriptor[];
  /** Child manifests of an index, without repeats; empty for an image. */
  readonly children: readonly Descriptor[];
  readonly subject?: BlobDescriptor;
  /** What the referrers API shows: the manifest's `artifactType`, or its config's media type (end-12). */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
