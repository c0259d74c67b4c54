/** Media types that have a meaning here (image-spec, Media Types; Docker's manifest v2, schema 2). */
export const MEDIA_TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  octetStream: 'application/octet-stream',
} as const;

const MANIFEST_KINDS: ReadonlyMap<string, 'image' | 'index'> = new Map([
  [MEDIA_TYPES.ociManifest, 'image'],
  [MEDIA_TYPES.dockerManifest, 'image'],
  [MEDIA_TYPES.ociIndex, 'index'],
  [MEDIA_TYPES.dockerManifestList, 'index'],
]);

const DOCKER_SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/** Layers that may live elsewhere: Docker's foreign ones and OCI's non-distributable ones. */
const FOREIGN =
  /^application\/vnd\.(?:docker\.image\.rootfs\.foreign\.diff|oci\.image\.layer\.nondistributable\.v1)\.tar(?:[.+](?:gzip|zstd))?$/;

/** What kind of manifest has this type; `undefined` for a type that no manifest here may have. */
export function manifestKind(mediaType: string): 'image' | 'index' | undefined {
  return MANIFEST_KINDS.get(mediaType);
}

export function isDockerSchema1(mediaType: string): boolean {
  return DOCKER_SCHEMA_1.test(mediaType);
}

export function isForeignLayer(mediaType: string): boolean {
  return FOREIGN.test(mediaType);
}

/** RFC 6838 allows 127 characters on each side of the slash; parameters get the rest. */
const MAX_CONTENT_TYPE_LENGTH = 1_024;

const NAME = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}';
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
const QUOTED = String.raw`"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*"`;
/** Each parameter begins with its semicolon and cannot be empty, so there is one way to match and it is linear. */
const CONTENT_TYPE = new RegExp(
  String.raw`^(${NAME}/${NAME})(?:[ \t]*;[ \t]*${TOKEN}=(?:${TOKEN}|${QUOTED}))*(?:[ \t]*;)?[ \t]*$`,
);

/** `type/subtype` of a Content-Type (RFC 9110, 8.3.1), its parameters checked and dropped; `undefined` for garbage. */
export function findMediaType(contentType: string): string | undefined {
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH) return undefined;
  return CONTENT_TYPE.exec(contentType)?.[1]?.toLowerCase();
}
