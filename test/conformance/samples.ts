import { randomBytes } from 'node:crypto';
import {
  type Algorithm,
  type Content,
  contentOf,
  type ManifestContent,
  manifestOf,
  type SpecClient,
} from './spec-client.js';

export const TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** A manifest with the blobs that have to be there before it. */
export interface Sample {
  readonly blobs: readonly Content[];
  readonly manifest: ManifestContent;
}

export interface SampleParts {
  readonly mediaType?: string;
  readonly config?: { readonly mediaType: string; readonly bytes?: Buffer };
  readonly layers?: readonly { readonly mediaType: string; readonly bytes?: Buffer; readonly more?: object }[];
  /** Descriptors of what lives elsewhere, as they stand. */
  readonly elsewhere?: readonly object[];
  readonly more?: object;
  readonly algorithm?: Algorithm;
}

export const descriptorOf = (mediaType: string, { bytes, digest }: Content, more: object = {}) => ({
  mediaType,
  digest,
  size: bytes.length,
  ...more,
});

export const EMPTY = Buffer.from('{}');

/** An image or an artifact with new bytes in it. */
export function sample({
  mediaType = TYPES.manifest,
  config = { mediaType: TYPES.config },
  layers = [{ mediaType: TYPES.layer }],
  elsewhere = [],
  more = {},
  algorithm = 'sha256',
}: SampleParts = {}): Sample {
  const blob = (bytes: Buffer = randomBytes(64)) => contentOf(bytes, algorithm);
  const configBlob = blob(config.bytes);
  const layerBlobs = layers.map(({ bytes }) => blob(bytes));
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: descriptorOf(config.mediaType, configBlob),
    layers: [
      ...layers.map((layer, index) => descriptorOf(layer.mediaType, layerBlobs[index] ?? blob(), layer.more)),
      ...elsewhere,
    ],
    ...more,
  };
  return { blobs: [configBlob, ...layerBlobs], manifest: manifestOf(manifest, algorithm) };
}

export function indexOf(
  children: readonly ManifestContent[],
  { mediaType = TYPES.index as string, algorithm = 'sha256' as Algorithm, more = {} } = {},
): ManifestContent {
  const manifests = children.map((child) => descriptorOf(child.mediaType, child));
  return manifestOf({ mediaType, schemaVersion: 2, manifests, ...more } as { mediaType: string }, algorithm);
}

/** Blobs first, then the manifest under its own digest. */
export async function push(client: SpecClient, { blobs, manifest }: Sample): Promise<Response> {
  for (const blob of blobs) await client.pushBlob(blob);
  return client.pushManifest(manifest.digest, manifest);
}
