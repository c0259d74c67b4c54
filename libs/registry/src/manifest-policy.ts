/** What a registry may take or refuse as its operator likes. */
export interface ManifestPolicy {
  /**
   * Whether an index may name manifests that are not in the repository (image-spec, Image Index: an index may be sparse).
   * They are 404 until somebody pushes them, and no region waits for them.
   */
  readonly sparseIndexes: 'accept' | 'refuse';
}

/** Whoever pulls an index can pull all of it, unless the operator decided otherwise. */
export const DEFAULT_MANIFEST_POLICY: ManifestPolicy = { sparseIndexes: 'refuse' };
