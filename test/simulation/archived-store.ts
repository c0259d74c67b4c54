import { MemoryObjectStore } from '#libs/storage';

const JOURNAL = 'journal/';

/** A primary's bucket that remembers the journal's batches when they are cut off: the checkers judge by all that ever was. */
export class ArchivedStore extends MemoryObjectStore {
  /** In the order of their places. */
  readonly archived = new Map<string, Uint8Array>();

  override async delete(...request: Parameters<MemoryObjectStore['delete']>): Promise<void> {
    const [key] = request;
    const found = key.startsWith(JOURNAL) ? this.peek(key) : undefined;
    await super.delete(...request);
    if (found !== undefined) this.archived.set(key, found.bytes);
  }
}
