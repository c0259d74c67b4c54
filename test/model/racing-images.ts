import { type Digest, digestOf, MEDIA_TYPES, parseRepositoryName, type RepositoryName } from '#libs/oci';

export interface RacingImage {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly content: Buffer;
  readonly mediaType: string;
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Buffer }[];
}

const shared = Buffer.from('the layer that everybody pushes');

/** Images of one layer, which is the same in all of them and in every repository. */
export function racingImage(repository: string, name: string): RacingImage {
  const blob = { digest: digestOf(shared), bytes: shared };
  const descriptor = (mediaType: string) => ({ mediaType, digest: blob.digest, size: shared.length });
  const mediaType = MEDIA_TYPES.ociManifest;
  const [config, layers] = [descriptor(MEDIA_TYPES.ociConfig), [descriptor(MEDIA_TYPES.ociLayer)]];
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers, annotations: { name } }));
  return { repository: parseRepositoryName(repository), digest: digestOf(content), content, mediaType, blobs: [blob] };
}
