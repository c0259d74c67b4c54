import type { Policy } from '#libs/geo';
import type { BlobDescriptor, Digest, RepositoryName, Tag } from '#libs/oci';

/** A manifest arrives, with every tag that it was pushed under: all of it is one atomic change (I11). */
export interface ManifestPut {
  readonly type: 'manifest.put';
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly mediaType: string;
  /** The manifest's exact text. A valid manifest is valid UTF-8, so text and bytes are one; it rides here to save a round trip. */
  readonly content: string;
  /** Blobs that must be stored before the manifest may be shown: no repeats, no foreign layers. */
  readonly blobs: readonly BlobDescriptor[];
  /** Child manifests, in the same repository, that must be shown before it. */
  readonly children: readonly Digest[];
  readonly subject?: Digest;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
}

/** Tags leave; the manifest stays. */
export interface TagDelete {
  readonly type: 'tag.delete';
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

/** A manifest leaves, and with it every tag that pointed at it when the entry was made. */
export interface ManifestDelete {
  readonly type: 'manifest.delete';
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly subject?: Digest;
  readonly tags: readonly Tag[];
}

/** A repository may no longer read a blob. Its bytes stay until nobody may. */
export interface BlobDelete {
  readonly type: 'blob.delete';
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/**
 * Blobs and links that nothing needs leave. A manifest that names one of them is before this in the order, and then it
 * leaves them alone, or after it, and then the manifest is refused.
 */
export interface BlobsSweep {
  readonly type: 'blobs.sweep';
  /** The collection that condemned them, in the primary's region: what it did not condemn, or what was needed since, stays. */
  readonly cycle: string;
  readonly blobs: readonly Digest[];
  readonly links: readonly { readonly repository: RepositoryName; readonly digest: Digest }[];
}

/** Which region has what, from here on: a whole policy, in the place of the one before. */
export interface PolicyPut {
  readonly type: 'policy.put';
  readonly policy: Policy;
}

/** What can happen to the registry. A new kind is added here, to `parseEntry` and to `applyEntry`: nowhere else. */
export type Change = ManifestPut | TagDelete | ManifestDelete | BlobDelete | BlobsSweep | PolicyPut;

/** A change of one repository. */
export type RepositoryChange = Exclude<Change, BlobsSweep | PolicyPut>;

export function isRepositoryChange<T extends Change>(change: T): change is T & RepositoryChange {
  return change.type !== 'blobs.sweep' && change.type !== 'policy.put';
}

/** One change at its place in the order of all changes. */
export type Entry = Change & {
  /** 1, 2, 3 … without gaps (I12). */
  readonly seq: number;
  /** The reign of the primary that wrote it; never decreases along the journal. */
  readonly epoch: number;
  /** When it was appended, by the primary's clock, in milliseconds since the epoch. For lag, never for order. */
  readonly timeMs: number;
};

/** A place in the journal: the last entry before it, and the digest of the batch that holds that entry. */
export interface Position {
  readonly seq: number;
  readonly epoch: number;
  /** Digest of the batch's bytes; `undefined` before the first batch. */
  readonly chain: Digest | undefined;
  readonly timeMs: number;
}
