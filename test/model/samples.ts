import { type Digest, digestOf, MEDIA_TYPES } from '#libs/oci';

export interface SampleBlob {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export interface SampleManifest {
  readonly name: string;
  readonly digest: Digest;
  readonly text: string;
  readonly mediaType: string;
  /** Places in {@link BLOBS}. */
  readonly blobs: readonly number[];
  /** Places in {@link MANIFESTS}. */
  readonly children: readonly number[];
  readonly subject?: Digest;
  readonly artifactType?: string;
}

export const TAGS = ['v1', 'v2', 'latest'] as const;

/** One byte, a few, more than a packet; one of them by its longer digest. */
export const BLOBS: readonly SampleBlob[] = [
  blob('{', 'sha256'),
  blob('a layer of some bytes', 'sha256'),
  blob('x'.repeat(3_000), 'sha512'),
];

export const SBOM = 'application/vnd.example.sbom';
export const SIGNATURE = 'application/vnd.example.signature';

const first = image('image 0', [0, 1]);
const second = image('image 1', [0, 2]);
const index = indexOf('index of both', [first, second], [0, 1]);

/** Little that hangs together in every way there is: two images, what refers to one of them, and indexes. */
export const MANIFESTS: readonly SampleManifest[] = [
  first,
  second,
  image('sbom of image 0', [0], { subject: first, artifactType: SBOM }),
  image('signature of image 0', [1], { subject: first, artifactType: SIGNATURE }),
  index,
  indexOf('index of the index', [index], [4]),
];

function blob(text: string, algorithm: 'sha256' | 'sha512'): SampleBlob {
  const bytes = Buffer.from(text);
  return { digest: digestOf(bytes, algorithm), bytes };
}

function image(
  name: string,
  places: readonly number[],
  refers?: { readonly subject: SampleManifest; readonly artifactType: string },
): SampleManifest {
  const descriptors = places.flatMap((place) => {
    const found = BLOBS[place];
    return found === undefined ? [] : [{ digest: found.digest, size: found.bytes.length }];
  });
  const mediaType = MEDIA_TYPES.ociManifest;
  const [config = {}, ...layers] = descriptors;
  const subject = refers && {
    mediaType: refers.subject.mediaType,
    digest: refers.subject.digest,
    size: Buffer.byteLength(refers.subject.text),
  };
  const text = JSON.stringify({
    ...{ schemaVersion: 2, mediaType, annotations: { name } },
    config: { mediaType: MEDIA_TYPES.ociConfig, ...config },
    layers: layers.map((layer) => ({ mediaType: MEDIA_TYPES.ociLayer, ...layer })),
    ...(refers === undefined ? {} : { subject, artifactType: refers.artifactType }),
  });
  const more = refers === undefined ? {} : { subject: refers.subject.digest, artifactType: refers.artifactType };
  return { name, digest: digestOf(text), text, mediaType, blobs: places, children: [], ...more };
}

function indexOf(name: string, manifests: readonly SampleManifest[], children: readonly number[]): SampleManifest {
  const mediaType = MEDIA_TYPES.ociIndex;
  const list = manifests.map((each) => {
    return { mediaType: each.mediaType, digest: each.digest, size: Buffer.byteLength(each.text) };
  });
  const text = JSON.stringify({ schemaVersion: 2, mediaType, manifests: list, annotations: { name } });
  return { name, digest: digestOf(text), text, mediaType, blobs: [], children };
}
