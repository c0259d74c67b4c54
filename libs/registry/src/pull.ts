import type { Readable } from 'node:stream';
import type { BlobDescriptor, Digest, Reference, RepositoryName } from '#libs/oci';
import type { ByteRange } from '#libs/storage';

/** A manifest as it is served: exact bytes. */
export interface PullableManifest {
  readonly source: PullSource;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly content: Uint8Array;
  /** The entry that set the tag, if it was asked for by one. */
  readonly tagSeq?: number;
}

/** Where the bytes of an answer came from: of this region's own, or asked of another one; a label of the pull metrics. */
export type PullSource = 'local' | 'peer';

/** A blob that the repository may read. Getting one opens nothing. */
export interface PullableBlob extends BlobDescriptor {
  readonly source: PullSource;
  /** The caller owns the stream and must read it to its end or destroy it. Its bytes hash to the digest, or it fails. */
  open(range: ByteRange | undefined, signal: AbortSignal): Promise<Readable>;
  /** Where the client may fetch it without us, if the store can be reached by clients. */
  location?(): string;
}

/**
 * Reading, as a region offers it. `undefined`: the registry has no such thing (404). What the registry has but this
 * region cannot give at the moment rejects with RegistryError `REPLICATION_PENDING` or `UNAVAILABLE`, never looks absent.
 */
export interface Pull {
  manifest(
    repository: RepositoryName,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<PullableManifest | undefined>;
  blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<PullableBlob | undefined>;
}
