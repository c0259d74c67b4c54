import type { Change, Entry, Position } from './entry.js';

/** The order of all changes, read. Any number of processes, in any region that reaches the bucket. */
export interface JournalReader {
  /** The newest place that this process knows of. */
  readonly head: Position;
  /** Up to which entry the journal was cut off; 0 if it is whole. Snapshots hold the outcome of what is gone. */
  cutOff(signal: AbortSignal): Promise<number>;
  /**
   * Entries after `after`, in order, as far as the store holds them now; nothing if `after` is the head or beyond it.
   * @throws JournalError `truncated` if the first of them is gone
   */
  read(after: number, signal: AbortSignal): AsyncIterable<Entry>;
  /** The same, and then each new one soon after it was appended, by whomever; rejects with the signal's reason. */
  follow(after: number, signal: AbortSignal): AsyncIterable<Entry>;
  /**
   * Moves the head to the journal's end as a look finds it that begins after this call: whatever was committed before the
   * call, by whomever, is known afterwards. Those who ask at the same time share a look, so it may be asked per request.
   */
  refresh(signal: AbortSignal): Promise<Position>;
  /** The same, content with a look that began at most `maxAgeMs` before this call. */
  refreshWithin(maxAgeMs: number, signal: AbortSignal): Promise<Position>;
}

/** What must be true at the very place in the order where a change is put. */
export interface Guard {
  /**
   * Runs when every earlier entry that touches it was applied here, immediately before the append, and again whenever
   * another writer took the place first. Rejecting refuses the change: it leaves no trace and `append` rejects with
   * the same error.
   */
  validate(signal: AbortSignal): Promise<void>;
  /** Whether an entry that comes before could change the verdict. Two changes of one batch must not touch each other. */
  touchedBy(change: Change): boolean;
}

/**
 * The order of all changes, written. Many processes of the primary's region may append; the conditional PUT of the next
 * batch is the one point where order is made (I12). Requests that arrive together share a batch.
 */
export interface Journal extends JournalReader {
  /**
   * Puts one change at the end of the order, durably, and applies it here before it resolves (so a caller may
   * acknowledge). @throws what the guard threw: nothing happened. @throws RegistryError `UNAVAILABLE` when the store
   * did not answer in time: the change may or may not be in the journal, and repeating it is safe.
   */
  append(change: Change, guard: Guard, signal: AbortSignal): Promise<Entry>;

  /** A place in the order at which everything before it is applied in this region. */
  settled(signal: AbortSignal): Promise<Position>;
}
