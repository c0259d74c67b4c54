import type { Descriptor } from './descriptor.js';
import type { Manifest } from './manifest.js';
import { MEDIA_TYPES } from './media-type.js';

/** How a manifest is shown to those who ask who refers to its subject (distribution-spec, Listing Referrers). */
export function referrerDescriptor(manifest: Manifest): Descriptor {
  const { mediaType, digest, content, artifactType, annotations } = manifest;
  return {
    mediaType,
    digest,
    size: content.byteLength,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The image index that answers them: all, or those of one artifact type (end-12a, end-12b). */
export function referrersIndex(descriptors: readonly Descriptor[], artifactTypeFilter?: string): Uint8Array {
  const manifests =
    artifactTypeFilter === undefined
      ? descriptors
      : descriptors.filter((descriptor) => descriptor.artifactType === artifactTypeFilter);
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
}
