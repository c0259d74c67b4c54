import { type BlobDescriptor, type Digest, digestOf } from '#libs/oci';

export const IMAGE_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

export interface SampleBlob extends BlobDescriptor {
  readonly bytes: Buffer;
}

export interface SampleManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Buffer;
  readonly blobs: readonly SampleBlob[];
  readonly children: readonly Digest[];
}

export function sampleBlob(text: string, size: number): SampleBlob {
  const bytes = Buffer.alloc(size, `${text} `);
  return { bytes, size, digest: digestOf(bytes) };
}

export function sampleImage(
  config: SampleBlob,
  layers: readonly SampleBlob[],
  subject?: SampleManifest,
): SampleManifest {
  const describe = (mediaType: string, { digest, size }: BlobDescriptor) => ({ mediaType, digest, size });
  const manifest = {
    schemaVersion: 2,
    mediaType: IMAGE_TYPE,
    config: describe('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => describe('application/vnd.oci.image.layer.v1.tar', layer)),
    ...(subject === undefined ? {} : { subject: descriptorOf(subject) }),
  };
  return encoded(manifest, IMAGE_TYPE, unique([config, ...layers]), []);
}

export function sampleIndex(children: readonly SampleManifest[], note: string): SampleManifest {
  const index = {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: children.map(descriptorOf),
    annotations: { note },
  };
  const digests = children.map(({ digest }) => digest);
  return encoded(index, INDEX_TYPE, [], [...new Set(digests)]);
}

function descriptorOf({ mediaType, digest, content }: SampleManifest) {
  return { mediaType, digest, size: content.length };
}

function encoded(
  manifest: object,
  mediaType: string,
  blobs: readonly SampleBlob[],
  children: readonly Digest[],
): SampleManifest {
  const content = Buffer.from(JSON.stringify(manifest));
  return { digest: digestOf(content), mediaType, content, blobs, children };
}

function unique(blobs: readonly SampleBlob[]): readonly SampleBlob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}
