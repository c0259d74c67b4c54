import { isStorageError, keys, type ObjectStore } from '#libs/storage';
import {
  encodeSnapshotHeader,
  MAX_SNAPSHOT_PART_BYTES,
  parseSnapshotHeader,
  type SnapshotHeader,
  type SnapshotPart,
} from './snapshot.js';

/** Two: a region that reads one goes on while the next is made. */
const KEPT = 2;

/** A header names each part in some 200 bytes. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

const HEADER_NAME = /^snapshots\/(\d{16})\/manifest$/;

/** Snapshots, as somebody reads them: from the own bucket, or from another region. */
export interface SnapshotSource {
  /** The newest one that is whole; `undefined` if there is none. */
  newest(signal: AbortSignal): Promise<SnapshotHeader | undefined>;
  /** The bytes of a part; `undefined` if its snapshot was removed meanwhile, as older ones are. */
  part(seq: number, name: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
}

/** The snapshots in a bucket. One is there when its header is, and that is written last. */
export class Snapshots implements SnapshotSource {
  constructor(private readonly store: ObjectStore) {}

  async newest(signal: AbortSignal): Promise<SnapshotHeader | undefined> {
    const seq = (await this.seqs(signal)).at(-1);
    return seq === undefined ? undefined : this.#header(seq, signal);
  }

  part(seq: number, name: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#read(keys.snapshotPart(seq, name), MAX_SNAPSHOT_PART_BYTES, signal);
  }

  /** The places of those that are whole, ascending. */
  async seqs(signal: AbortSignal): Promise<readonly number[]> {
    const headers = (await this.#keys(signal)).map((key) => HEADER_NAME.exec(key)?.[1]);
    return headers.flatMap((seq) => (seq === undefined ? [] : [Number(seq)]));
  }

  async putPart(seq: number, { name }: SnapshotPart, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.store.put(keys.snapshotPart(seq, name), bytes, { signal });
  }

  /** Says that all parts are there. Two of one place are the same: the first one stays. */
  async finish(header: SnapshotHeader, signal: AbortSignal): Promise<void> {
    const key = keys.snapshotHeader(header.position.seq);
    try {
      await this.store.put(key, encodeSnapshotHeader(header), { condition: { kind: 'absent' }, signal });
    } catch (error) {
      if (!isStorageError(error, 'precondition_failed')) throw error;
    }
  }

  /** Removes all but the newest two, and what snapshots before those left that were never finished. Headers go first. */
  async removeOld(signal: AbortSignal): Promise<void> {
    const oldest = (await this.seqs(signal)).at(-KEPT);
    if (oldest === undefined) return;
    const first = keys.snapshotHeader(oldest);
    const [headers, parts] = split((await this.#keys(signal)).filter((key) => isBefore(key, first)));
    for (const key of [...headers, ...parts]) await this.store.delete(key, signal);
  }

  async #header(seq: number, signal: AbortSignal): Promise<SnapshotHeader | undefined> {
    const bytes = await this.#read(keys.snapshotHeader(seq), MAX_HEADER_BYTES, signal);
    return bytes === undefined ? undefined : parseSnapshotHeader(JSON.parse(Buffer.from(bytes).toString()));
  }

  async #read(key: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return (await this.store.read(key, signal, maxBytes))?.bytes;
  }

  async #keys(signal: AbortSignal): Promise<readonly string[]> {
    const found: string[] = [];
    for (let startAfter: string | undefined; ; ) {
      const request = { prefix: keys.snapshotPrefix, limit: 1_000 };
      const page = await this.store.list({ ...request, ...(startAfter === undefined ? {} : { startAfter }) }, signal);
      found.push(...page.objects.map(({ key }) => key));
      startAfter = found.at(-1);
      if (!page.more) return found;
    }
  }
}

/** Whether a key belongs to a snapshot of an earlier place. */
function isBefore(key: string, header: string): boolean {
  const directory = header.slice(0, header.lastIndexOf('/'));
  return !key.startsWith(`${directory}/`) && key < directory;
}

function split(found: readonly string[]): readonly [readonly string[], readonly string[]] {
  return [found.filter((key) => HEADER_NAME.test(key)), found.filter((key) => !HEADER_NAME.test(key))];
}
