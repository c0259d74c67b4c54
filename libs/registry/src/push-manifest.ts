import type { Journal, ManifestPut } from '#libs/journal';
import { digestAlgorithm, type Manifest, parseManifest, RegistryError, type Tag } from '#libs/oci';
import { manifestGuard } from './manifest-guard.js';
import type { ManifestPolicy } from './manifest-policy.js';
import type { CommittedManifest, ManifestUpload } from './push.js';
import type { RegionContent } from './region-content.js';
import { attemptSparse } from './sparse-index.js';

/** Checks a manifest, puts it into the journal with all its tags as one entry, and resolves when it can be pulled. */
export async function pushManifest(
  content: RegionContent,
  journal: Journal,
  upload: ManifestUpload,
  policy: ManifestPolicy,
  signal: AbortSignal,
): Promise<CommittedManifest> {
  const { repository, reference } = upload;
  const algorithm = reference.kind === 'digest' ? digestAlgorithm(reference.digest) : 'sha256';
  const manifest = parseManifest(upload.content, upload.contentType, algorithm);
  if (reference.kind === 'digest' && reference.digest !== manifest.digest) {
    throw new RegistryError('DIGEST_INVALID', { digest: reference.digest, computed: manifest.digest });
  }
  const put = (known: Manifest) => append(content, journal, upload, known, signal);
  return policy.sparseIndexes === 'accept' && manifest.kind === 'index'
    ? attemptSparse(content, repository, manifest, put, signal)
    : put(manifest);
}

async function append(
  content: RegionContent,
  journal: Journal,
  upload: ManifestUpload,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<CommittedManifest> {
  const { repository, reference, precondition } = upload;
  const tags = [...new Set(reference.kind === 'tag' ? [reference.tag, ...upload.tags] : upload.tags)];
  const guard = manifestGuard(content, {
    repository,
    manifest,
    tags,
    ...(precondition === undefined ? {} : { precondition }),
  });
  const entry = await journal.append(manifestPut(upload, manifest, tags), guard, signal);
  return {
    digest: manifest.digest,
    seq: entry.seq,
    tags,
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
  };
}

function manifestPut(upload: ManifestUpload, manifest: Manifest, tags: readonly Tag[]): ManifestPut {
  const { digest, mediaType, blobs, children, subject, artifactType, annotations } = manifest;
  return {
    type: 'manifest.put',
    repository: upload.repository,
    digest,
    mediaType,
    content: Buffer.from(manifest.content).toString(),
    blobs: blobs.map((blob) => ({ digest: blob.digest, size: blob.size })),
    children: children.map((child) => child.digest),
    ...(subject === undefined ? {} : { subject: subject.digest }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
    tags,
  };
}
