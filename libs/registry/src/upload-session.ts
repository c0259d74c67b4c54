import { RegistryError, type RepositoryName } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { keys, type ObjectStore } from '#libs/storage';
import { StoredSessions, type UploadSession, type UploadState } from './stored-sessions.js';
import { formatUploadId, openUploadId, type UploadTicket } from './upload-id.js';

/** An id that nothing was sent to is good for so long. */
const UNUSED_MS = 24 * 60 * 60 * 1000;
/** Sessions that ended well and are remembered; beyond it the oldest is forgotten. */
const REMEMBERED = 10_000;

export interface UploadSessionsOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals ids; the same in every process of the region. */
  readonly idKey: Uint8Array;
}

/**
 * Sessions by the ids that clients have.
 *
 * One begins without any object: its id proves that it was begun. The object comes with its first bytes, and goes when it
 * has ended well; this process then knows the id no more, and for another one it is as good as new, which is of no use to
 * anybody but the client that may send the same blob again.
 */
export class UploadSessions {
  readonly #finished = new Set<string>();
  readonly #stored: StoredSessions;

  constructor(private readonly options: UploadSessionsOptions) {
    this.#stored = new StoredSessions(options.store);
  }

  begin(repository: RepositoryName): string {
    const { clock, random, idKey } = this.options;
    return formatUploadId(idKey, repository, { uuid: random.uuid(), createdMs: clock.now() });
  }

  /** @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, also for a session of another repository. */
  async get(repository: RepositoryName, id: string, signal: AbortSignal): Promise<UploadSession> {
    const { clock, random } = this.options;
    const { uuid, createdMs } = this.ticketOf(repository, id);
    const found = await this.#stored.inspect(uuid, signal);
    const unused = found === undefined && clock.now() - createdMs > UNUSED_MS;
    if (unused || found?.state.ended) throw unknownUpload(id);
    const data = keys.data(random.uuid());
    return found ?? { uuid, state: { repository, createdMs, data, parts: [], tail: new Uint8Array() } };
  }

  /** What the id itself says. @throws RegistryError `BLOB_UPLOAD_UNKNOWN`, also of what this process saw the end of */
  ticketOf(repository: RepositoryName, id: string): UploadTicket {
    const ticket = openUploadId(this.options.idKey, repository, id);
    if (ticket === undefined || this.#finished.has(ticket.uuid)) throw unknownUpload(id);
    return ticket;
  }

  /** @throws RegistryError `BLOB_UPLOAD_INVALID` (416) if the session moved on meanwhile. */
  replace(session: UploadSession, state: UploadState, signal: AbortSignal): Promise<UploadSession> {
    return this.#stored.replace(session, state, signal);
  }

  /** Ends the session for every process, whoever writes to it, and removes the parts that did not become an object. */
  async end(session: UploadSession, signal: AbortSignal): Promise<void> {
    await this.#stored.end(session, signal);
    this.finished(session.uuid);
  }

  /** Whether the store still knows that somebody needs the session's bytes. */
  async isStored({ uuid }: UploadSession, signal: AbortSignal): Promise<boolean> {
    const found = await this.#stored.inspect(uuid, signal);
    return found !== undefined && !found.state.ended;
  }

  /** Its bytes have become an object. */
  async forget(session: UploadSession, signal: AbortSignal): Promise<void> {
    if (session.etag !== undefined) await this.#stored.forget(session, signal);
    this.finished(session.uuid);
  }

  /** From now on the id is unknown to this process. */
  finished(uuid: string): void {
    this.#finished.add(uuid);
    const [oldest] = this.#finished;
    if (this.#finished.size > REMEMBERED && oldest !== undefined) this.#finished.delete(oldest);
  }
}

export function unknownUpload(id: string, cause?: unknown): RegistryError {
  return new RegistryError('BLOB_UPLOAD_UNKNOWN', { upload: id }, { cause });
}
