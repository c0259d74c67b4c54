import { pipeline, type Readable } from 'node:stream';
import { type BlobDescriptor, type Digest, RegistryError } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { type ByteRange, isStorageError, keys, type ObjectStore, StorageError } from '#libs/storage';
import { type ExpectedContent, VerifyingStream } from './verifying-stream.js';

/** That a blob is stored here, and was hashed here. */
export interface BlobRecord extends BlobDescriptor {
  /** The key of its bytes: written once, never moved. */
  readonly data: string;
  /** When its bytes were hashed on their way into the store, in milliseconds since the epoch. */
  readonly verifiedMs: number;
}

/**
 * The blobs of a region, by digest, whoever may read them. Bytes go to a key of their own while they are hashed; only
 * then a record gives them their digest. So a commit costs one small write whatever the blob's size, and nothing is
 * visible under a digest that it does not hash to (I3).
 */
export class BlobStore {
  constructor(
    private readonly options: { readonly store: ObjectStore; readonly clock: Clock; readonly random: Random },
  ) {}

  async stat(digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    const found = await this.options.store.read(keys.blob(digest), signal);
    if (found === undefined) return undefined;
    const { size, data, verifiedMs } = JSON.parse(Buffer.from(found.bytes).toString()) as BlobRecord;
    return { digest, size, data, verifiedMs };
  }

  /**
   * The blob's bytes; whole, they are hashed again on the way out. The caller owns the stream.
   * @throws StorageError `unavailable` if the bytes are gone although the record is there.
   */
  async open(blob: BlobRecord, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable> {
    const { store } = this.options;
    const opened = await store.open(blob.data, { signal, ...(range === undefined ? {} : { range }) });
    if (opened === undefined) {
      throw new StorageError('unavailable', { driver: store.driver, operation: 'open', key: blob.data });
    }
    if (range !== undefined) return opened.body;
    return join(opened.body, new VerifyingStream(blob));
  }

  /** Where a client may fetch the bytes without us, if it may. */
  location(blob: BlobRecord, expiresInMs: number): (() => Promise<URL>) | undefined {
    const { store } = this.options;
    if (store.presign === undefined) return undefined;
    const presign = store.presign.bind(store);
    return () => presign({ key: blob.data, expiresInMs, contentType: 'application/octet-stream' });
  }

  /**
   * Stores a blob from a stream, hashing as it goes, unless it is here already (then the stream is not read, only
   * destroyed). @throws RegistryError `DIGEST_INVALID` · `SIZE_INVALID`: nothing is visible.
   */
  async ingest(expected: ExpectedContent, body: Readable, signal: AbortSignal): Promise<BlobRecord> {
    const present = await this.stat(expected.digest, signal);
    if (present !== undefined) {
      body.destroy();
      return present;
    }
    return this.store(expected, body, signal);
  }

  /** The same, reading the stream even if the blob is here: for a client that has to be told of its mistakes. */
  async store(expected: ExpectedContent, body: Readable, signal: AbortSignal): Promise<BlobRecord> {
    const data = this.newDataKey();
    const verified = new VerifyingStream(expected);
    const size = expected.size === undefined ? {} : { size: expected.size };
    try {
      await this.options.store.write(data, join(body, verified), { signal, ...size });
    } catch (error) {
      throw isStorageError(error) && error.cause instanceof RegistryError ? error.cause : error;
    }
    return this.adopt({ digest: expected.digest, size: verified.size }, data, signal);
  }

  newDataKey(): string {
    return keys.data(this.options.random.uuid());
  }

  /**
   * Gives bytes that are stored and were hashed their digest. If somebody did so first, theirs is the record, and
   * these bytes go.
   */
  async adopt(blob: BlobDescriptor, data: string, signal: AbortSignal): Promise<BlobRecord> {
    const { store, clock } = this.options;
    const record = { size: blob.size, data, verifiedMs: clock.now() };
    try {
      const bytes = Buffer.from(JSON.stringify(record));
      await store.put(keys.blob(blob.digest), bytes, { condition: { kind: 'absent' }, signal });
      return { digest: blob.digest, ...record };
    } catch (error) {
      if (!isStorageError(error, 'precondition_failed')) throw error;
    }
    const winner = await this.stat(blob.digest, signal);
    if (winner === undefined) return this.adopt(blob, data, signal);
    // Our own record may have been written by an earlier try whose answer was lost.
    if (winner.data !== data) await store.delete(data, signal);
    return winner;
  }
}

/** `source` through `transform`: an error of either ends both, and reaches whoever reads. */
function join(source: Readable, transform: VerifyingStream): Readable {
  pipeline(source, transform, () => {
    // The reader hears of it: pipeline destroys the transform with the error.
  });
  return transform;
}
