import { type BlobDescriptor, type Digest, RegistryError } from '#libs/oci';
import { isStorageError, keys, type ObjectStore, type PutCondition } from '#libs/storage';
import {
  type BlobHeader,
  decodeBlob,
  encodeBlob,
  type HeldHeader,
  type LiveHeader,
  type StoredBlob,
} from './blob-record.js';

/** That a blob is stored here, and was hashed here. */
export interface BlobRecord extends BlobDescriptor {
  /** The key of its bytes: written once, never moved. */
  readonly data: string;
  /** When its bytes were hashed on their way into the store, in milliseconds since the epoch. */
  readonly verifiedMs: number;
  /** The bytes themselves, if the record holds them; then there is nothing at the data key. */
  readonly content?: Uint8Array;
}

/** Bytes that have no digest yet: at a data key, or, with `content`, to be kept in the record, which the key then names. */
export interface KeptBytes {
  readonly data: string;
  readonly content?: Uint8Array;
}

/** That the bytes which a record names are not those of its digest. */
export interface BlobDamage extends BlobDescriptor {
  readonly data: string;
  /** What was found there instead. */
  readonly reason: string;
}

/** A record in whatever state, with what is needed to replace that very version. */
export interface FoundBlob extends StoredBlob {
  readonly etag: string;
  /** When it came into that state, by the store's clock. */
  readonly modifiedMs: number;
}

const NO_CONTENT = new Uint8Array();

/**
 * The records of a region's blobs. Each moves by condition only, from the version that was read:
 *
 *   (none) ─► live ─► condemned ─► gone ─► live (other bytes)
 *              ▲  │       │                  quarantined ─► live (other bytes)
 *              └──┼───────┘ revived
 *                 └─► quarantined
 */
export class BlobRecords {
  constructor(private readonly store: ObjectStore) {}

  /**
   * The record of a blob that is here. One that is condemned is live again before this resolves, so whoever is told
   * that a blob is here may count on it for the grace time of a collection at least.
   */
  async find(digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    for (;;) {
      const found = await this.inspect(digest, signal);
      if (found === undefined) return undefined;
      const { header } = found;
      if (header.state === 'live') return recordOf(digest, header, found.content);
      if (header.state !== 'condemned') return undefined;
      const live = liveHeader(header);
      if (await this.replace(digest, found, live, signal)) return recordOf(digest, live, found.content);
    }
  }

  /** The record as it is; asking changes nothing, and so promises nothing. */
  async inspect(digest: Digest, signal: AbortSignal): Promise<FoundBlob | undefined> {
    const found = await this.store.read(keys.blob(digest), signal);
    if (found === undefined) return undefined;
    return { ...decodeBlob(found.bytes), etag: found.etag, modifiedMs: found.modifiedMs };
  }

  /**
   * Gives bytes that are stored and were hashed their digest, unless other bytes have it: then theirs is the record.
   * @throws RegistryError `UNAVAILABLE` if these very bytes were given up meanwhile: they may be gone
   */
  async adopt(blob: BlobDescriptor, kept: KeptBytes, verifiedMs: number, signal: AbortSignal): Promise<BlobRecord> {
    const { data, content = NO_CONTENT } = kept;
    const header: LiveHeader = { size: blob.size, data, verifiedMs, state: 'live' };
    const own = recordOf(blob.digest, header, content);
    if (await this.#put(blob.digest, { header, content }, { kind: 'absent' }, signal)) return own;
    for (;;) {
      const winner = await this.find(blob.digest, signal);
      if (winner !== undefined) return winner;
      const found = await this.inspect(blob.digest, signal);
      if (found === undefined || found.header.state === 'live' || found.header.state === 'condemned') continue;
      if (found.header.data === data) throw givenUp(blob.digest);
      const seen = { kind: 'matches', etag: found.etag } as const;
      if (await this.#put(blob.digest, { header, content }, seen, signal)) return own;
    }
  }

  /**
   * Takes a blob out of use whose bytes at `data` are not what they should be: from now on it counts as absent, and other
   * bytes may get its digest. @returns false if no record in use names these bytes any more
   */
  async quarantine(damage: BlobDamage, foundMs: number, signal: AbortSignal): Promise<boolean> {
    const { digest, data, reason } = damage;
    for (;;) {
      const found = await this.inspect(digest, signal);
      if (found === undefined) return false;
      const { header } = found;
      if ((header.state !== 'live' && header.state !== 'condemned') || header.data !== data) return false;
      const { size, verifiedMs } = header;
      const next = { size, data, verifiedMs, state: 'quarantined', foundMs, reason } as const;
      if (await this.replace(digest, found, next, signal)) return true;
    }
  }

  /**
   * Takes away a record that cannot be read; `data`: a key that never names anything.
   * @returns false if it can be read, or is gone
   */
  async discard(digest: Digest, data: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.store.read(keys.blob(digest), signal);
    if (found === undefined || isReadable(found.bytes)) return false;
    const gone: StoredBlob = { header: { state: 'gone', data }, content: NO_CONTENT };
    return this.#put(digest, gone, { kind: 'matches', etag: found.etag }, signal);
  }

  /** Moves a record that was read to another state. @returns false if it has moved meanwhile */
  replace(digest: Digest, found: FoundBlob, header: BlobHeader, signal: AbortSignal): Promise<boolean> {
    const content = header.state === 'gone' ? NO_CONTENT : found.content;
    return this.#put(digest, { header, content }, { kind: 'matches', etag: found.etag }, signal);
  }

  async #put(digest: Digest, blob: StoredBlob, condition: PutCondition, signal: AbortSignal): Promise<boolean> {
    try {
      await this.store.put(keys.blob(digest), encodeBlob(blob), { condition, signal });
      return true;
    } catch (error) {
      if (isStorageError(error, 'precondition_failed')) return false;
      throw error;
    }
  }
}

function isReadable(bytes: Uint8Array): boolean {
  try {
    decodeBlob(bytes);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

export function liveHeader({ size, data, verifiedMs }: HeldHeader): LiveHeader {
  return { size, data, verifiedMs, state: 'live' };
}

/** A record holds its blob's bytes if it holds as many as the blob has. */
function recordOf(digest: Digest, { size, data, verifiedMs }: LiveHeader, content: Uint8Array): BlobRecord {
  return { digest, size, data, verifiedMs, ...(content.length === size && { content }) };
}

export function givenUp(digest: Digest): RegistryError {
  return new RegistryError(
    'UNAVAILABLE',
    { digest },
    { message: 'this took so long that the bytes were given up; send them again', headers: { 'Retry-After': '1' } },
  );
}
