import {
  JournalError,
  readSnapshotPart,
  type SnapshotHeader,
  type SnapshotRecord,
  type SnapshotSource,
} from '#libs/journal';
import { imageName, type PulledImages } from './pulled-images.js';

/** Of a snapshot's parts, so much is read before it is worked on: some ten thousand images, among which one can come first. */
const AHEAD_BYTES = 32 * 1024 * 1024;

interface Kept {
  readonly record: SnapshotRecord;
  readonly bytes: number;
}

export interface SnapshotRecordsOptions {
  readonly snapshots: SnapshotSource;
  readonly pulled: PulledImages;
  readonly aheadBytes?: number;
  readonly signal: AbortSignal;
}

/**
 * The records of a snapshot in its order, newest images first, but those before all others that clients ask for here, as
 * far as they were read. Each part is read once, while others are worked on.
 */
export class SnapshotRecords {
  readonly #ahead = new Map<string, Kept>();
  #bytes = 0;
  #parts = 0;
  #records = 0;
  #reading: Promise<void> | undefined;

  constructor(
    private readonly header: SnapshotHeader,
    private readonly options: SnapshotRecordsOptions,
  ) {}

  /** @throws JournalError `truncated` if the snapshot was removed meanwhile */
  async *all(): AsyncGenerator<SnapshotRecord> {
    for (;;) {
      this.#readAhead();
      const next = this.#take();
      if (next !== undefined) yield next;
      else if (this.#reading === undefined) return;
      else await this.#reading;
    }
  }

  #readAhead(): void {
    const { aheadBytes = AHEAD_BYTES } = this.options;
    if (this.#reading !== undefined || this.#parts >= this.header.parts.length || this.#bytes >= aheadBytes) return;
    this.#reading = this.#readPart();
    // Whoever finds nothing more to do awaits it, and hears of it.
    this.#reading.catch(() => undefined);
  }

  async #readPart(): Promise<void> {
    const { snapshots, signal } = this.options;
    const { position, parts } = this.header;
    const part = parts[this.#parts];
    if (part === undefined) return;
    const bytes = await snapshots.part(position.seq, part.name, signal);
    if (bytes === undefined) throw new JournalError('truncated', `the snapshot at ${position.seq} is gone`);
    const records = readSnapshotPart(part, bytes);
    for (const record of records) this.#keep(record, bytes.byteLength / records.length);
    this.#parts += 1;
    this.#reading = undefined;
  }

  #keep(record: SnapshotRecord, bytes: number): void {
    this.#records += 1;
    const name = record.kind === 'image' ? imageName(record.entry) : `${this.#records}`;
    // A name that comes again is another record.
    this.#ahead.set(this.#ahead.has(name) ? `${name} ${this.#records}` : name, { record, bytes });
    this.#bytes += bytes;
  }

  #take(): SnapshotRecord | undefined {
    const wanted = this.options.pulled.names.find((name) => this.#ahead.has(name));
    const [name] = wanted === undefined ? this.#ahead.keys() : [wanted];
    const kept = name === undefined ? undefined : this.#ahead.get(name);
    if (name === undefined || kept === undefined) return undefined;
    this.#ahead.delete(name);
    this.#bytes -= kept.bytes;
    return kept.record;
  }
}
