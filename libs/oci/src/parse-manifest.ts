import type { BlobDescriptor, Descriptor } from './descriptor.js';
import { type DigestAlgorithm, digestOf } from './digest.js';
import { parseStrictJson } from './json.js';
import { MAX_MANIFEST_BYTES, type Manifest } from './manifest.js';
import { findMediaType, isDockerSchema1, isForeignLayer, manifestKind } from './media-type.js';
import {
  annotationsField,
  asObject,
  field,
  invalid,
  type JsonObject,
  listField,
  parseDescriptor,
  typeField,
} from './parse-descriptor.js';
import { RegistryError } from './registry-error.js';

/**
 * Reads an image manifest or an index, OCI's or Docker's schema 2 (image-spec, Image Manifest and Image Index). Its kind
 * is that of its media type, on which header and content have to agree, and it may have the fields of one kind only: so
 * nobody can be made to read it as another (CVE-2021-41190).
 *
 * @throws RegistryError `MANIFEST_INVALID` · `SIZE_INVALID` with status 413
 */
export function parseManifest(
  content: Uint8Array,
  contentType: string | undefined,
  algorithm: DigestAlgorithm = 'sha256',
): Manifest {
  if (content.byteLength > MAX_MANIFEST_BYTES) throw manifestTooLarge();
  const object = asObject(parseStrictJson(content), 'the manifest');
  const { mediaType, kind } = agreedMediaType(object, contentType);
  if (field(object, 'schemaVersion') !== 2) throw invalid('schemaVersion is not 2');
  const annotations = annotationsField(object);
  const artifactType = artifactTypeOf(object, kind);
  return {
    kind,
    digest: digestOf(content, algorithm),
    mediaType,
    content,
    ...(kind === 'image' ? imageContent(object) : indexContent(object)),
    ...subjectOf(object),
    ...(artifactType ? { artifactType } : {}),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Also for those who count bytes as they come, before there is a manifest to parse. */
export function manifestTooLarge(): RegistryError {
  return new RegistryError(
    'SIZE_INVALID',
    { limit: MAX_MANIFEST_BYTES },
    { status: 413, message: 'the manifest is larger than this registry accepts' },
  );
}

function agreedMediaType(
  object: JsonObject,
  contentType: string | undefined,
): { readonly mediaType: string; readonly kind: Manifest['kind'] } {
  const inHeader = contentType === undefined ? undefined : findMediaType(contentType);
  if (contentType !== undefined && inHeader === undefined) throw invalid('malformed Content-Type');
  const inContent = typeField(object, 'mediaType');
  const mediaType = inContent ?? inHeader;
  if (mediaType === undefined) throw invalid('neither Content-Type nor mediaType says what it is');
  if (inHeader !== undefined && inHeader !== mediaType) throw invalid('Content-Type and mediaType differ');
  const kind = manifestKind(mediaType);
  if (kind === undefined) throw unknownType(mediaType);
  return { mediaType, kind };
}

function unknownType(mediaType: string): RegistryError {
  return isDockerSchema1(mediaType)
    ? invalid('Docker image manifests of schema 1 are not supported: push again with a newer client')
    : invalid(`${mediaType} is not a type of manifest that this registry stores`);
}

type Content = Pick<Manifest, 'blobs' | 'children'>;

function imageContent(object: JsonObject): Content {
  if (field(object, 'manifests') !== undefined) throw invalid('an image cannot have manifests');
  const config = parseDescriptor(field(object, 'config'), 'config');
  const layers = listField(object, 'layers').map((layer, index) => parseDescriptor(layer, `layers[${index}]`));
  return { blobs: requiredBlobs([config, ...layers]), children: [] };
}

/** What an index lists that no manifest can be, is a blob: BuildKit keeps its caches like that. */
function indexContent(object: JsonObject): Content {
  for (const name of ['config', 'layers']) {
    if (field(object, name) !== undefined) throw invalid(`an index cannot have ${name}`);
  }
  const entries = listField(object, 'manifests').map((entry, index) => parseDescriptor(entry, `manifests[${index}]`));
  const isManifest = (entry: Descriptor): boolean => manifestKind(entry.mediaType) !== undefined;
  const children = entries.filter(isManifest);
  for (const child of children) mayLiveElsewhere(child);
  return { blobs: requiredBlobs(entries.filter((entry) => !isManifest(entry))), children: distinct(children) };
}

function requiredBlobs(descriptors: readonly Descriptor[]): readonly BlobDescriptor[] {
  const required = descriptors.filter((descriptor) => !mayLiveElsewhere(descriptor));
  return distinct(required).map(({ digest, size }) => ({ digest, size }));
}

/** Only layers that must not be distributed may name another place; nobody here ever goes there (CVE-2020-15157). */
function mayLiveElsewhere({ mediaType, urls = [] }: Descriptor): boolean {
  if (urls.length === 0) return false;
  if (!isForeignLayer(mediaType)) throw invalid('urls are for foreign and non-distributable layers only');
  return true;
}

function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const byDigest = new Map<string, Descriptor>();
  for (const descriptor of descriptors) {
    const first = byDigest.get(descriptor.digest);
    if (first === undefined) byDigest.set(descriptor.digest, descriptor);
    else if (first.size !== descriptor.size) throw invalid(`${descriptor.digest} with two sizes`);
  }
  return [...byDigest.values()];
}

function subjectOf(object: JsonObject): Pick<Manifest, 'subject'> {
  const subject = field(object, 'subject');
  if (subject === undefined) return {};
  const { digest, size } = parseDescriptor(subject, 'subject');
  return { subject: { digest, size } };
}

/** An image without a type of its own has its config's (distribution-spec, Listing Referrers). */
function artifactTypeOf(object: JsonObject, kind: Manifest['kind']): string | undefined {
  const own = typeField(object, 'artifactType');
  if (own || kind === 'index') return own;
  return typeField(asObject(field(object, 'config'), 'config'), 'mediaType');
}
