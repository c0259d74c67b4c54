import type { Digest } from './digest.js';

/** What a digest is known by: enough to fetch it and to check it (image-spec, Descriptors). */
export interface BlobDescriptor {
  readonly digest: Digest;
  /** Bytes, a safe integer ≥ 0. */
  readonly size: number;
}

/** A descriptor as a manifest holds it. Fields that are not named here are not ours to interpret. */
export interface Descriptor extends BlobDescriptor {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
  readonly platform?: unknown;
}
