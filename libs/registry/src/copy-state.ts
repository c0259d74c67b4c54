import type { Digest } from '#libs/oci';
import { isStorageError, keys, type MultipartUpload, type ObjectStore, type StoredPart } from '#libs/storage';

/** Who copies, so that a second worker need not. The claim ends by itself: a killed process cannot give it back; one given back ended at 0. */
export interface CopyClaim {
  readonly worker: string;
  readonly untilMs: number;
}

/**
 * A big blob on its way into the region, as the store holds it, so that any worker can go on where another one ended.
 * Its data key and its multipart upload are in use for as long as this exists; one that nobody touched for a day is litter.
 */
export interface CopyState {
  /** The key that the blob's record will name. */
  readonly data: string;
  readonly multipart: MultipartUpload;
  /** Bytes of each part but the last. */
  readonly partBytes: number;
  /** Parts that are stored, ascending, with gaps. */
  readonly parts: readonly StoredPart[];
  readonly claim: CopyClaim;
}

/** A state as it was read, with what is needed to replace that very version. */
export interface CopyRecord {
  readonly state: CopyState;
  readonly etag: string;
}

/** Copies under way. Every change replaces the version that it was made from, so of two that race one loses. */
export class CopyStates {
  constructor(private readonly store: ObjectStore) {}

  find(digest: Digest, signal: AbortSignal): Promise<CopyRecord | undefined> {
    return this.read(keys.copy(digest), signal);
  }

  /** By its key, for who goes through all of them. */
  async read(key: string, signal: AbortSignal): Promise<CopyRecord | undefined> {
    const found = await this.store.read(key, signal);
    if (found === undefined) return undefined;
    return { state: JSON.parse(Buffer.from(found.bytes).toString()) as CopyState, etag: found.etag };
  }

  /** Replaces `record`, or creates the first; `undefined` if somebody else was faster. */
  async write(
    digest: Digest,
    record: CopyRecord | undefined,
    state: CopyState,
    signal: AbortSignal,
  ): Promise<CopyRecord | undefined> {
    const condition =
      record === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag: record.etag } as const);
    try {
      const { etag } = await this.store.put(keys.copy(digest), Buffer.from(JSON.stringify(state)), {
        condition,
        signal,
      });
      return { state, etag };
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return undefined;
      throw error;
    }
  }

  async remove(digest: Digest, signal: AbortSignal): Promise<void> {
    await this.store.delete(keys.copy(digest), signal);
  }
}
