import { isStorageError, keys, type ObjectStore, type PutCondition } from '#libs/storage';

/** How far a region said it is. */
export interface RegionMark {
  readonly region: string;
  readonly watermark: number;
  /** When it said so, by the primary's clock. */
  readonly heardMs: number;
}

/** What the primary remembers of the regions, so that the journal waits for one that is away for a while. */
export class RegionMarks {
  constructor(private readonly store: ObjectStore) {}

  async all(signal: AbortSignal): Promise<readonly RegionMark[]> {
    return (await this.#read(signal)).marks;
  }

  /** Takes in what was heard now; of those that were not heard, what is known stays. */
  async remember(heard: readonly RegionMark[], signal: AbortSignal): Promise<readonly RegionMark[]> {
    return this.#change((marks) => {
      const others = marks.filter(({ region }) => !heard.some((mark) => mark.region === region));
      return [...others, ...heard];
    }, signal);
  }

  /** A region is gone for good: nothing waits for it any more. @returns whether it was known */
  async forget(region: string, signal: AbortSignal): Promise<boolean> {
    let known = false;
    await this.#change((marks) => {
      known = marks.some((mark) => mark.region === region);
      return marks.filter((mark) => mark.region !== region);
    }, signal);
    return known;
  }

  async #change(
    change: (marks: readonly RegionMark[]) => readonly RegionMark[],
    signal: AbortSignal,
  ): Promise<readonly RegionMark[]> {
    for (;;) {
      const { marks, etag } = await this.#read(signal);
      const next = change(marks);
      const condition: PutCondition = etag === undefined ? { kind: 'absent' } : { kind: 'matches', etag };
      try {
        await this.store.put(keys.regionReports, Buffer.from(JSON.stringify(next)), { condition, signal });
        return next;
      } catch (error) {
        if (!isStorageError(error, 'precondition_failed')) throw error;
      }
    }
  }

  async #read(signal: AbortSignal): Promise<{ readonly marks: readonly RegionMark[]; readonly etag?: string }> {
    const found = await this.store.read(keys.regionReports, signal);
    if (found === undefined) return { marks: [] };
    return { marks: JSON.parse(Buffer.from(found.bytes).toString()) as readonly RegionMark[], etag: found.etag };
  }
}
