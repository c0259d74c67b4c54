import type { Journal } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';
import { deleteBlob, deleteManifest, deleteTag } from './deletion.js';
import { DEFAULT_MANIFEST_POLICY, type ManifestPolicy } from './manifest-policy.js';
import type { BlobUploads, CommittedManifest, DeletionTarget, ManifestUpload, Push } from './push.js';
import { pushManifest } from './push-manifest.js';
import type { RegionContent } from './region-content.js';

/** Writing at the primary: blobs go to its store, every other change through its journal. */
export class LocalPush implements Push {
  constructor(
    private readonly content: RegionContent,
    private readonly journal: Journal,
    readonly uploads: BlobUploads,
    private readonly policy: ManifestPolicy = DEFAULT_MANIFEST_POLICY,
  ) {}

  manifest(upload: ManifestUpload, signal: AbortSignal): Promise<CommittedManifest> {
    return pushManifest(this.content, this.journal, upload, this.policy, signal);
  }

  deleteManifest(
    repository: RepositoryName,
    target: DeletionTarget,
    signal: AbortSignal,
  ): Promise<{ readonly seq: number }> {
    return target.kind === 'tag'
      ? deleteTag(this.content, this.journal, repository, target, signal)
      : deleteManifest(this.content, this.journal, repository, target, signal);
  }

  deleteBlob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<{ readonly seq: number }> {
    return deleteBlob(this.content, this.journal, repository, digest, signal);
  }
}
