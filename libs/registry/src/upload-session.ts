import { RegistryError, type RepositoryName } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { isStorageError, keys, type MultipartUpload, type ObjectStore, type StoredPart } from '#libs/storage';

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
  /** It was given up: nobody writes to it any more, and what is left of it goes. */
  readonly expired?: true;
  readonly tail: Uint8Array;
}

/** A state as it was read, with what is needed to replace that very version. */
export interface UploadSession {
  readonly id: string;
  readonly state: UploadState;
  readonly etag: string;
}

export function uploadOffset(state: UploadState): number {
  return state.parts.reduce((sum, part) => sum + part.size, 0) + state.tail.length;
}

const NEWLINE = 0x0a;

/** Sessions in the store. Every change replaces the version that it was made from, so of two that race one loses. */
export class UploadSessions {
  constructor(
    private readonly options: { readonly store: ObjectStore; readonly clock: Clock; readonly random: Random },
  ) {}

  async create(repository: RepositoryName, data: string, signal: AbortSignal): Promise<UploadSession> {
    const { store, clock, random } = this.options;
    const id = random.uuid();
    const state = { repository, createdMs: clock.now(), data, parts: [], tail: new Uint8Array() };
    const { etag } = await store.put(keys.upload(id), encode(state), { condition: { kind: 'absent' }, signal });
    return { id, state, etag };
  }

  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, also for a session of another repository. */
  async get(repository: RepositoryName, id: string, signal: AbortSignal): Promise<UploadSession> {
    const session = await this.inspect(id, signal);
    if (session?.state.repository !== repository || session.state.expired === true) throw unknown(id);
    return session;
  }

  /** The session as it is, whosever. */
  async inspect(id: string, signal: AbortSignal): Promise<UploadSession | undefined> {
    const found = await this.options.store.read(keys.upload(id), signal);
    return found === undefined ? undefined : { id, state: decode(found.bytes), etag: found.etag };
  }

  /** Ends a session that was given up, unless its client came back since it was read. */
  async expire(session: UploadSession, signal: AbortSignal): Promise<void> {
    try {
      await this.remove(await this.replace(session, { ...session.state, expired: true }, signal), signal);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
    }
  }

  /** @throws RegistryError `BLOB_UPLOAD_INVALID` (416) if the session moved on meanwhile. */
  async replace(session: UploadSession, state: UploadState, signal: AbortSignal): Promise<UploadSession> {
    try {
      const condition = { kind: 'matches', etag: session.etag } as const;
      const { etag } = await this.options.store.put(keys.upload(session.id), encode(state), { condition, signal });
      return { id: session.id, state, etag };
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) throw outOfOrder(uploadOffset(session.state));
      throw error;
    }
  }

  /** Removes the session and the parts that were not made into an object. */
  async remove(session: UploadSession, signal: AbortSignal): Promise<void> {
    const { store } = this.options;
    if (session.state.multipart !== undefined) await store.multipart.abort(session.state.multipart, signal);
    await this.forget(session.id, signal);
  }

  /** Removes the session alone: its bytes have become an object. */
  async forget(id: string, signal: AbortSignal): Promise<void> {
    await this.options.store.delete(keys.upload(id), signal);
  }
}

function unknown(id: string): RegistryError {
  return new RegistryError('BLOB_UPLOAD_UNKNOWN', { upload: id });
}

/** A chunk does not begin where the session stands (end-5); the client is told where that is. */
export function outOfOrder(offset: number): RegistryError {
  return new RegistryError('BLOB_UPLOAD_INVALID', { offset }, { status: 416, headers: { Range: formatRange(offset) } });
}

/** `Range` of an upload: what was received, both ends inclusive. The empty range has no form of its own: `0-0` by custom. */
export function formatRange(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}

function encode(state: UploadState): Uint8Array {
  const { tail, ...header } = state;
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), tail]);
}

function decode(bytes: Uint8Array): UploadState {
  const end = bytes.indexOf(NEWLINE);
  const header = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as Omit<UploadState, 'tail'>;
  return { ...header, tail: bytes.subarray(end + 1) };
}
