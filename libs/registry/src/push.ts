import type { Readable } from 'node:stream';
import type { BlobDescriptor, Digest, Reference, RepositoryName, Tag } from '#libs/oci';
import type { Precondition } from './precondition.js';

/** An upload session as its client sees it. */
export interface UploadStatus {
  readonly id: string;
  /** Bytes that are durable: the next chunk begins here. */
  readonly offset: number;
}

/** `Content-Range` of a chunk: 0-based, both ends inclusive (end-5). */
export interface ChunkRange {
  readonly start: number;
  readonly end: number;
}

/** What a client sends, with what it said of it. */
export interface IncomingBytes {
  readonly body: Readable;
  /** `Content-Length`, if there was one. */
  readonly size?: number;
}

/**
 * Blob uploads of one repository (distribution-spec, Pushing blobs). A session belongs to the repository that it was
 * begun in: asked for anywhere else it is `BLOB_UPLOAD_UNKNOWN`. Nothing is stored before its first bytes come. Cancelled
 * or ended with a wrong digest, it is unknown in every process; ended well, in the process that ended it, and to others
 * it is as if nothing had come.
 */
export interface BlobUploads {
  begin(repository: RepositoryName, signal: AbortSignal): Promise<UploadStatus>;
  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN` */
  status(repository: RepositoryName, id: string, signal: AbortSignal): Promise<UploadStatus>;
  /**
   * Appends a chunk. When the body breaks off, what came is kept and the session can go on from there.
   * @throws RegistryError `BLOB_UPLOAD_UNKNOWN` · `BLOB_UPLOAD_INVALID` with status 416 and a `Range` header (`0-<last>`)
   * when `range` does not begin at the offset or another chunk is being written · `SIZE_INVALID` when length and range differ
   */
  append(
    repository: RepositoryName,
    id: string,
    chunk: IncomingBytes & { readonly range?: ChunkRange },
    signal: AbortSignal,
  ): Promise<UploadStatus>;
  /**
   * Ends the session with its last bytes (possibly none); from here on the repository may read the blob.
   * @throws RegistryError `DIGEST_INVALID` (the session is gone, nothing is visible) · as {@link append}
   */
  finish(
    repository: RepositoryName,
    id: string,
    last: IncomingBytes & { readonly range?: ChunkRange; readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<BlobDescriptor>;
  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN` */
  cancel(repository: RepositoryName, id: string, signal: AbortSignal): Promise<void>;
  /** A whole blob in one request (`POST ?digest=`). @throws RegistryError `DIGEST_INVALID` · `SIZE_INVALID` */
  put(
    repository: RepositoryName,
    blob: IncomingBytes & { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<BlobDescriptor>;
  /** Lets `repository` read what `from` may read already (end-11); `undefined` if `from` may not, or is not there. */
  mount(
    repository: RepositoryName,
    digest: Digest,
    from: RepositoryName,
    signal: AbortSignal,
  ): Promise<BlobDescriptor | undefined>;
}

export interface ManifestUpload {
  readonly repository: RepositoryName;
  readonly reference: Reference;
  /** Further tags of a push by digest (`?tag=`). */
  readonly tags: readonly Tag[];
  /** The `Content-Type`, as it was sent. */
  readonly contentType: string | undefined;
  readonly content: Uint8Array;
  /** Of every tag that the push names; of the manifest itself if it names none. */
  readonly precondition?: Precondition;
}

export interface CommittedManifest {
  readonly digest: Digest;
  /** Its place in the order of all changes. */
  readonly seq: number;
  /** What `OCI-Subject` answers with. */
  readonly subject?: Digest;
  readonly tags: readonly Tag[];
}

/** The precondition is of what the tag points at, or of the manifest. */
export type DeletionTarget = Reference & { readonly precondition?: Precondition };

/** Changes, as the primary accepts them. Each is in the journal and applied here before it resolves. */
export interface Push {
  readonly uploads: BlobUploads;
  /**
   * @throws RegistryError `MANIFEST_INVALID` · `SIZE_INVALID` with status 413 for too large a manifest · `MANIFEST_BLOB_UNKNOWN`
   * (detail: the list of every missing digest) · `DIGEST_INVALID` · `PRECONDITION_FAILED`. After any of these nothing has changed.
   */
  manifest(upload: ManifestUpload, signal: AbortSignal): Promise<CommittedManifest>;
  /**
   * By tag: the tag leaves. By digest: the manifest and its tags. @throws RegistryError `MANIFEST_UNKNOWN` ·
   * `PRECONDITION_FAILED`
   */
  deleteManifest(
    repository: RepositoryName,
    target: DeletionTarget,
    signal: AbortSignal,
  ): Promise<{ readonly seq: number }>;
  /** @throws RegistryError `BLOB_UNKNOWN` */
  deleteBlob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<{ readonly seq: number }>;
}
