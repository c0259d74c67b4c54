import {
  encodeSnapshotRecord,
  type SnapshotImage,
  type SnapshotPart,
  type SnapshotRecord,
  type Snapshots,
} from '#libs/journal';
import { digestOf } from '#libs/oci';

/** A part is written as soon as it holds this much. */
const PART_BYTES = 4 * 1024 * 1024;

interface Held {
  readonly line: string;
  readonly seq: number;
}

/** Writes records in parts: in each the newest images first, and in memory one at a time. */
export class SnapshotPartWriter {
  readonly #parts: SnapshotPart[] = [];
  #held: Held[] = [];
  #heldBytes = 0;
  #begun = 0;

  constructor(
    private readonly snapshots: Snapshots,
    private readonly options: {
      /** The place of the snapshot. */
      readonly seq: number;
      /** Told apart by it are the parts of two writers of one place. */
      readonly writer: string;
    },
  ) {}

  async add(record: SnapshotRecord, signal: AbortSignal): Promise<void> {
    const line = encodeSnapshotRecord(record);
    this.#held.push({ line, seq: record.kind === 'image' ? newestPlace(record) : Number.POSITIVE_INFINITY });
    this.#heldBytes += Buffer.byteLength(line);
    if (this.#heldBytes >= PART_BYTES) await this.#flush(signal);
  }

  /** Writes what is left. @returns all parts, those with the newest images first */
  async finish(signal: AbortSignal): Promise<readonly SnapshotPart[]> {
    if (this.#held.length > 0) await this.#flush(signal);
    return this.#parts.toSorted((a, b) => b.newestSeq - a.newestSeq);
  }

  async #flush(signal: AbortSignal): Promise<void> {
    const { seq, writer } = this.options;
    // Others add while this one is written.
    const sorted = this.#held.toSorted((a, b) => (a.seq === b.seq ? 0 : b.seq - a.seq));
    this.#held = [];
    this.#heldBytes = 0;
    const name = `${writer}-${this.#begun}`;
    this.#begun += 1;
    const bytes = Buffer.from(sorted.map(({ line }) => line).join(''));
    const newestSeq = sorted.find((held) => Number.isFinite(held.seq))?.seq ?? 0;
    const part: SnapshotPart = { name, digest: digestOf(bytes), size: bytes.byteLength, newestSeq };
    await this.snapshots.putPart(seq, part, bytes, signal);
    this.#parts.push(part);
  }
}

/** An old manifest under a tag that moved to it just now is as new as that tag. */
function newestPlace({ entry, tags }: SnapshotImage): number {
  return Math.max(entry.seq, ...tags.map(({ seq }) => seq));
}
