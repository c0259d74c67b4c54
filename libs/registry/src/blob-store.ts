import { pipeline, Readable } from 'node:stream';
import { type BlobDescriptor, type Digest, RegistryError } from '#libs/oci';
import type { Clock, Random } from '#libs/resilience';
import { type ByteRange, isStorageError, keys, type ObjectStore, StorageError } from '#libs/storage';
import { BlobLocations } from './blob-locations.js';
import {
  type BlobDamage,
  type BlobRecord,
  BlobRecords,
  type FoundBlob,
  givenUp,
  type KeptBytes,
} from './blob-records.js';
import { type FewBytes, readFewBytes } from './few-bytes.js';
import { LatelyAdopted } from './lately-adopted.js';
import { type ExpectedContent, VerifyingStream } from './verifying-stream.js';

/** Bytes are given their digest soon after they were written, unless configured: a quarter of a collection's grace time. */
const ADOPT_WITHIN_MS = 15 * 60_000;

/** A blob of up to so many bytes is kept in its record: one write instead of two, and one read. */
export const INLINE_BYTES = 64 * 1024;

/** Bytes that hash to what was expected; nobody sees them before they are adopted. */
export interface ReceivedBlob extends BlobDescriptor {
  readonly kept: KeptBytes;
  /** No later than when they became whole, by the monotonic clock. */
  readonly writtenMs: number;
}

/** Hears of bytes that were found wrong; `quarantined`: just now, and by this process. */
export type DamageListener = (damage: BlobDamage, quarantined: boolean) => void;

export interface BlobStoreOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Bytes that were written longer ago do not become a blob any more. Until a record names them nothing says that they
   * are needed, and a process that was halted in between must not give its digest to what was swept since.
   */
  readonly adoptWithinMs?: number;
  /** {@link INLINE_BYTES} by default. */
  readonly inlineBytes?: number;
}

/**
 * The blobs of a region, by digest, whoever may read them. Bytes go to a key of their own while they are hashed, or stay
 * in memory if they are few; only then a record gives them their digest. So a commit costs one small write whatever the
 * blob's size, and nothing is visible under a digest that it does not hash to (I3).
 */
export class BlobStore {
  readonly records: BlobRecords;
  /** Those that this process brought a moment ago. */
  readonly lately: LatelyAdopted;
  readonly #locations: BlobLocations | undefined;
  readonly #onDamage: DamageListener[] = [];

  constructor(private readonly options: BlobStoreOptions) {
    const { store, clock } = options;
    this.records = new BlobRecords(store);
    this.lately = new LatelyAdopted(clock, this.#adoptWithinMs);
    this.#locations = store.presign && new BlobLocations(store.presign.bind(store), clock);
  }

  /** The blob, if it is here; from now on it stays for the grace time of a collection at least. */
  stat(digest: Digest, signal: AbortSignal): Promise<BlobRecord | undefined> {
    return this.records.find(digest, signal);
  }

  /**
   * Whether what was looked for at that time, by the monotonic clock, and was here is so for sure. It is for a part of a collection's
   * grace time, which leaves the rest to whoever shows a manifest by it: another process may collect, and not know who needs it.
   */
  isSureSince(lookedMs: number): boolean {
    return this.options.clock.monotonic() - lookedMs <= this.#adoptWithinMs;
  }

  /** For whoever remembers records, reports damage or repairs it. */
  onDamage(listener: DamageListener): void {
    this.#onDamage.push(listener);
  }

  /** Its bytes are wrong: it counts as absent from now on, until other bytes get its digest. */
  async quarantine(damage: BlobDamage, signal: AbortSignal): Promise<boolean> {
    const quarantined = await this.records.quarantine(damage, this.options.clock.now(), signal);
    // Not before: an adoption that found the damaged one in use would remember it again.
    this.lately.forget(damage.digest);
    for (const listener of this.#onDamage) listener(damage, quarantined);
    return quarantined;
  }

  /**
   * The blob's bytes; whole, they are hashed again on the way out, and if they are wrong the blob is quarantined before
   * the reader hears of it. The caller owns the stream.
   * @throws StorageError `unavailable` if the bytes are gone although the record is there; then it is quarantined.
   */
  async open(blob: BlobRecord, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable> {
    const { store } = this.options;
    if (blob.content !== undefined && range !== undefined) return readableOf(within(blob.content, range));
    if (blob.content !== undefined) return join(readableOf(blob.content), this.#verifier(blob, signal));
    const opened = await store.open(blob.data, { signal, ...(range === undefined ? {} : { range }) });
    if (opened === undefined) {
      await this.quarantine({ ...blob, reason: 'nothing' }, signal);
      throw new StorageError('unavailable', { driver: store.driver, operation: 'open', key: blob.data });
    }
    return range === undefined ? join(opened.body, this.#verifier(blob, signal)) : opened.body;
  }

  /** Where a client may fetch the bytes without us, if it may: not for those that are in the record. */
  location(blob: BlobRecord): (() => string) | undefined {
    const locations = this.#locations;
    return locations === undefined || blob.content !== undefined ? undefined : () => locations.of(blob.data);
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
    return this.adopt(await this.receive(expected, body, signal), signal);
  }

  /** Hashes a stream and keeps its bytes, to be adopted. @throws RegistryError `DIGEST_INVALID` · `SIZE_INVALID` */
  async receive(expected: ExpectedContent, body: Readable, signal: AbortSignal): Promise<ReceivedBlob> {
    const { digest, size } = expected;
    if (size !== undefined && size <= this.#inlineBytes) return this.#receiveFew({ digest, size }, body, signal);
    const { clock } = this.options;
    const data = this.newDataKey();
    const verified = new VerifyingStream(expected);
    // Not when the store answered: that answer may have waited for a process that was halted.
    let writtenMs = clock.monotonic();
    verified.once('end', () => {
      writtenMs = clock.monotonic();
    });
    await this.#write(data, join(body, verified), size, signal);
    return { digest, size: verified.size, kept: { data }, writtenMs };
  }

  /** Keeps bytes that are in memory, to be adopted. */
  async keep(bytes: Uint8Array, signal: AbortSignal): Promise<KeptBytes> {
    const data = this.newDataKey();
    if (bytes.length <= this.#inlineBytes) return { data, content: bytes };
    await this.options.store.put(data, bytes, { signal });
    return { data };
  }

  newDataKey(): string {
    return keys.data(this.options.random.uuid());
  }

  /**
   * Gives bytes that are kept and were hashed their digest. If somebody did so first, theirs is the record, and these
   * bytes go. @throws RegistryError `UNAVAILABLE` if they became whole too long ago
   */
  async adopt({ kept, writtenMs, ...blob }: ReceivedBlob, signal: AbortSignal): Promise<BlobRecord> {
    const { clock } = this.options;
    if (clock.monotonic() - writtenMs > this.#adoptWithinMs) throw givenUp(blob.digest);
    const record = await this.records.adopt(blob, kept, clock.now(), signal);
    this.lately.add(blob.digest);
    // Our own record may have been written by an earlier try whose answer was lost.
    if (record.data !== kept.data) await this.discard(kept, signal);
    return record;
  }

  /**
   * Takes a blob away if that collection condemned it and nobody needed it since: record first, then bytes. May run twice,
   * and after a crash in between. @returns the bytes that became free
   */
  async sweep(digest: Digest, cycle: string, signal: AbortSignal): Promise<number> {
    const { store } = this.options;
    this.lately.forget(digest);
    for (;;) {
      const found = await this.records.inspect(digest, signal);
      const header = found?.header;
      if (found === undefined || header === undefined) return 0;
      if (header.state === 'gone') {
        // An earlier try may have ended here. No record ever names those bytes again.
        await store.delete(header.data, signal);
        return 0;
      }
      if (header.state !== 'condemned' || header.cycle !== cycle) return 0;
      if (!(await this.records.replace(digest, found, { state: 'gone', data: header.data }, signal))) continue;
      await store.delete(header.data, signal);
      return header.size;
    }
  }

  /** Takes away what is in no use, if its record is still as it was read: record first, then bytes. */
  async remove(digest: Digest, found: FoundBlob, signal: AbortSignal): Promise<void> {
    const { data } = found.header;
    this.lately.forget(digest);
    if (!(await this.records.replace(digest, found, { state: 'gone', data }, signal))) return;
    await this.options.store.delete(data, signal);
  }

  /** Removes bytes that got no digest. */
  async discard({ data, content }: KeptBytes, signal: AbortSignal): Promise<void> {
    if (content === undefined) await this.options.store.delete(data, signal);
  }

  async #write(data: string, body: Readable, size: number | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.options.store.write(data, body, { signal, ...(size === undefined ? {} : { size }) });
    } catch (error) {
      throw isStorageError(error) && error.cause instanceof RegistryError ? error.cause : error;
    }
  }

  /** Fails as a store's write of the same stream would. */
  async #receiveFew(expected: FewBytes, body: Readable, signal: AbortSignal): Promise<ReceivedBlob> {
    const { clock, store } = this.options;
    const data = this.newDataKey();
    try {
      const content = await readFewBytes(expected, body, signal);
      return { ...expected, kept: { data, content }, writtenMs: clock.monotonic() };
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof RegistryError) throw cause;
      throw new StorageError('invalid', { driver: store.driver, operation: 'write', key: data }, { cause });
    }
  }

  #verifier(blob: BlobRecord, signal: AbortSignal): VerifyingStream {
    return new VerifyingStream(blob, async (reason) => {
      await this.quarantine({ ...blob, reason }, signal);
    });
  }

  get #adoptWithinMs(): number {
    return this.options.adoptWithinMs ?? ADOPT_WITHIN_MS;
  }

  get #inlineBytes(): number {
    return this.options.inlineBytes ?? INLINE_BYTES;
  }
}

function within(content: Uint8Array, { start, end = content.length - 1 }: ByteRange): Uint8Array {
  return content.subarray(start, end + 1);
}

function readableOf(bytes: Uint8Array): Readable {
  return Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });
}

/** `source` through `transform`: an error of either ends both, and reaches whoever reads. */
function join(source: Readable, transform: VerifyingStream): Readable {
  pipeline(source, transform, () => {
    // The reader hears of it: pipeline destroys the transform with the error.
  });
  return transform;
}
