import { keys, type ObjectStore } from '#libs/storage';
import { MAX_BATCH_BYTES, parseBatch } from './batch.js';
import { JournalError } from './journal-error.js';
import { findJournalStart, moveJournalStart } from './journal-start.js';

const PAGE = 1_000;

export interface CutRequest {
  /** Entries after this one stay. */
  readonly upTo: number;
  /** So do batches that were written after this, by the store's clock. */
  readonly writtenBeforeMs: number;
}

interface FoundBatch {
  readonly key: string;
  readonly firstSeq: number;
  readonly modifiedMs: number;
}

/**
 * Removes the journal's oldest batches, those that lie wholly within the request, oldest first. The start moves before
 * they go, and the newest batch always stays: from it a writer learns where to go on. Interrupted, it goes on the next time.
 * @returns how many batches went
 */
export async function cutJournal(store: ObjectStore, request: CutRequest, signal: AbortSignal): Promise<number> {
  let carried: readonly FoundBatch[] = [];
  for (let removed = 0; ; ) {
    const last = carried.at(-1)?.key;
    const after = last === undefined ? {} : { startAfter: last };
    const page = await store.list({ prefix: keys.journalPrefix, limit: PAGE, ...after }, signal);
    const listed = page.objects.map(({ key, modifiedMs }) => {
      return { key, modifiedMs, firstSeq: Number(key.slice(keys.journalPrefix.length)) };
    });
    const batches = [...carried, ...listed];
    const gone = await cutBatches(store, batches, request, signal);
    removed += gone;
    // How far the last of a page reaches only the next page says, and a store may list a single object at a time.
    if (!page.more || gone < batches.length - 1) return removed;
    carried = batches.slice(gone);
  }
}

async function cutBatches(
  store: ObjectStore,
  batches: readonly FoundBatch[],
  { upTo, writtenBeforeMs }: CutRequest,
  signal: AbortSignal,
): Promise<number> {
  const start = await findJournalStart(store, signal);
  const leaves = (batch: FoundBatch, next: FoundBatch | undefined): boolean => {
    if (next === undefined) return false;
    if (next.firstSeq - 1 <= (start?.seq ?? 0)) return true;
    return next.firstSeq - 1 <= upTo && batch.modifiedMs < writtenBeforeMs;
  };
  const firstKept = batches.findIndex((batch, index) => !leaves(batch, batches[index + 1]));
  const kept = batches[firstKept];
  if (kept === undefined || firstKept === 0) return 0;
  if (kept.firstSeq - 1 > (start?.seq ?? 0)) {
    await moveJournalStart(
      store,
      start,
      { seq: kept.firstSeq - 1, chain: await chainBefore(store, kept, signal) },
      signal,
    );
  }
  for (const { key } of batches.slice(0, firstKept)) await store.delete(key, signal);
  return firstKept;
}

/** The digest of the batch before one: the first that is left vouches for what went. */
async function chainBefore(store: ObjectStore, { key }: FoundBatch, signal: AbortSignal) {
  const found = await store.read(key, signal, MAX_BATCH_BYTES);
  const previous = found === undefined ? undefined : parseBatch(found.bytes).previous;
  if (previous === undefined) throw new JournalError('corrupt', `${key} does not name the batch before it`);
  return previous;
}
