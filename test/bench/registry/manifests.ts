import type { Blob } from '../lib/blob.js';

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A manifest with nothing to push before it. `note` makes it one of its own. */
export function emptyIndex(note: string): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { note } });
}

export function imageManifest(config: Blob, layers: readonly Blob[]) {
  const describe = (mediaType: string, { digest, bytes: size }: Blob) => ({ mediaType, digest, size });
  const json = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describe('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => describe('application/vnd.oci.image.layer.v1.tar', layer)),
  });
  return { json, config };
}
