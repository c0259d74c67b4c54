import { RegistryError, type RepositoryName } from '#libs/oci';
import {
  isStorageError,
  keys,
  type MultipartUpload,
  type ObjectStore,
  type PutCondition,
  type StoredPart,
} from '#libs/storage';

/** Who is writing a session's parts, so that no second writer mixes its bytes in. */
export interface WriterClaim {
  readonly writer: string;
  /** The claim ends by itself: a process that was killed cannot give it back. */
  readonly untilMs: number;
}

/**
 * An upload as the store holds it, so that any process of the region can go on with it. As stored: a line of JSON, then
 * the tail: bytes that came and are too few for a part. `offset` counts parts and tail: all that is durable.
 */
export interface UploadState {
  readonly repository: RepositoryName;
  readonly createdMs: number;
  /** Where the bytes go; the key that the blob's record will name. */
  readonly data: string;
  readonly multipart?: MultipartUpload;
  readonly parts: readonly StoredPart[];
  readonly claim?: WriterClaim;
  /** It was cancelled, given up, or had the wrong digest. Without this its id would be as good as new. */
  readonly ended?: true;
  readonly tail: Uint8Array;
}

/** A state as it was read, with what is needed to replace that very version. */
export interface UploadSession {
  readonly uuid: string;
  readonly state: UploadState;
  /** Without it, nothing is stored yet: nothing has come. */
  readonly etag?: string;
}

const NEWLINE = 0x0a;
const EMPTY = new Uint8Array();

export function uploadOffset(state: UploadState): number {
  return state.parts.reduce((sum, part) => sum + part.size, 0) + state.tail.length;
}

/** The objects of sessions. Every change replaces the version that it was made from, so of two that race one loses. */
export class StoredSessions {
  constructor(private readonly store: ObjectStore) {}

  /** The session as it is, whosever. */
  async inspect(uuid: string, signal: AbortSignal): Promise<UploadSession | undefined> {
    const found = await this.store.read(keys.upload(uuid), signal);
    return found === undefined ? undefined : { uuid, state: decode(found.bytes), etag: found.etag };
  }

  /** @throws RegistryError `BLOB_UPLOAD_INVALID` (416) if the session moved on meanwhile. */
  async replace(session: UploadSession, state: UploadState, signal: AbortSignal): Promise<UploadSession> {
    const moved = await this.#tryReplace(session, state, signal);
    if (moved === undefined) throw outOfOrder(uploadOffset(session.state));
    return moved;
  }

  /** Ends the session for every process, whoever writes to it, and removes the parts that did not become an object. */
  async end(session: UploadSession, signal: AbortSignal): Promise<void> {
    for (let seen = session; ; ) {
      if (seen.state.ended) return;
      const { multipart, claim: _, ...state } = seen.state;
      const ended = { ...state, parts: [], tail: EMPTY, ended: true } as const;
      if ((await this.#tryReplace(seen, ended, signal)) !== undefined) {
        if (multipart !== undefined) await this.store.multipart.abort(multipart, signal);
        return;
      }
      const { etag: _etag, ...fresh } = seen;
      seen = (await this.inspect(seen.uuid, signal)) ?? fresh;
    }
  }

  /** Removes a session that was given up, and its parts, unless its client came back since it was read. */
  async expire(session: UploadSession, signal: AbortSignal): Promise<void> {
    const ended = { ...session.state, ended: true } as const;
    if (!session.state.ended && (await this.#tryReplace(session, ended, signal)) === undefined) return;
    const { multipart } = session.state;
    if (multipart !== undefined) await this.store.multipart.abort(multipart, signal);
    await this.forget(session, signal);
  }

  /** Removes the session alone: its bytes have become an object. */
  async forget({ uuid }: UploadSession, signal: AbortSignal): Promise<void> {
    await this.store.delete(keys.upload(uuid), signal);
  }

  async #tryReplace(
    { uuid, etag: seen }: UploadSession,
    state: UploadState,
    signal: AbortSignal,
  ): Promise<UploadSession | undefined> {
    const condition: PutCondition = seen === undefined ? { kind: 'absent' } : { kind: 'matches', etag: seen };
    try {
      const { etag } = await this.store.put(keys.upload(uuid), encode(state), { condition, signal });
      return { uuid, state, etag };
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return undefined;
      throw error;
    }
  }
}

/** A chunk does not begin where the session stands (end-5); the client is told where that is. */
export function outOfOrder(offset: number): RegistryError {
  return new RegistryError('BLOB_UPLOAD_INVALID', { offset }, { status: 416, headers: { Range: formatRange(offset) } });
}

/** `Range` of an upload: what was received, both ends inclusive. The empty range has no form of its own: `0-0` by custom. */
export function formatRange(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}

/** As stored: size and etag. Parts come from the first on and without gaps, so the rest of them follows. */
type StoredShort = readonly [number, string];

type Header = Omit<UploadState, 'tail' | 'parts'> & {
  /** Whole in sessions that an earlier version stored. */
  readonly parts: readonly (StoredShort | StoredPart)[];
};

/** Short, for it is written twice for each chunk, and a directory keeps what is short with one wait for the disk. */
function encode({ tail, parts, ...state }: UploadState): Uint8Array {
  const header: Header = { ...state, parts: parts.map(({ size, etag }) => [size, etag]) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), tail]);
}

function decode(bytes: Uint8Array): UploadState {
  const end = bytes.indexOf(NEWLINE);
  const { parts, ...header } = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as Header;
  return { ...header, parts: placed(parts), tail: bytes.subarray(end + 1) };
}

function placed(parts: Header['parts']): readonly StoredPart[] {
  let offset = 0;
  return parts.map((part, index) => {
    const [size, etag] = 'etag' in part ? [part.size, part.etag] : part;
    const place = { number: index + 1, offset, size, etag };
    offset += size;
    return place;
  });
}
