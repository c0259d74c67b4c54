import { digestOf, RegistryError } from '#libs/oci';
import { type Clock, exponentialBackoff, type Random, withDeadline } from '#libs/resilience';
import { isStorageError, keys, type ObjectStore } from '#libs/storage';
import { type ApplyEntry, Applying } from './applying.js';
import { type Batch, encodeBatch, MAX_BATCH_BYTES, parseBatch, positionAfter } from './batch.js';
import { type Draft, DraftQueue } from './draft-queue.js';
import type { Change, Entry, Position } from './entry.js';
import type { Guard, Journal } from './journal.js';
import { JournalError } from './journal-error.js';
import type { Instant, ObjectStoreJournalReader } from './object-store-journal-reader.js';

/** How long an append tries to fill its slot before its outcome is called unknown. */
const APPEND_LIMIT_MS = 20_000;

/** How long one PUT of a batch may take; a late one is repeated: the same bytes to the same slot. */
const ATTEMPT_LIMIT_MS = 5_000;

/** How long a caller waits for its durable entry to be applied here. */
const APPLY_LIMIT_MS = 20_000;

export interface JournalWriterOptions {
  readonly store: ObjectStore;
  readonly reader: ObjectStoreJournalReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes an entry visible in this region. Idempotent and ordered by seq per key: it may run twice and out of order. */
  readonly apply: ApplyEntry;
  /** The reign that this writer belongs to. */
  readonly epoch: number;
  readonly onRetry: (what: string, error: unknown) => void;
}

/**
 * Writes the journal of one bucket: one batch in flight, whatever came meanwhile goes into the next (group commit).
 *
 * The slot of a batch is named by its first seq, so every writer that knows the head competes for the same key and the
 * store lets one win. A writer whose answer got lost sends the same bytes again; whether the batch in a taken slot is
 * its own, the batch's writer id tells. A batch that lost goes back to be judged anew behind the winner.
 */
export class ObjectStoreJournal implements Journal {
  readonly #queue = new DraftQueue();
  readonly #applying: Applying;
  readonly #stopping = new AbortController();
  #running = false;
  #finished: Promise<void> = Promise.resolve();

  constructor(private readonly options: JournalWriterOptions) {
    const { apply, clock, random, onRetry, reader } = options;
    this.#applying = new Applying({
      apply,
      clock,
      random,
      onRetry: (entry, error) => onRetry(`apply of entry ${entry.seq}`, error),
      signal: this.#stopping.signal,
    });
    reader.onBatch((batch) => {
      for (const entry of batch.entries) this.#applying.start(entry);
    });
  }

  get head(): Position {
    return this.options.reader.head;
  }

  cutOff(signal: AbortSignal): Promise<number> {
    return this.options.reader.cutOff(signal);
  }

  read(after: number, signal: AbortSignal): AsyncIterable<Entry> {
    return this.options.reader.read(after, signal);
  }

  follow(after: number, signal: AbortSignal): AsyncIterable<Entry> {
    return this.options.reader.follow(after, signal);
  }

  refresh(signal: AbortSignal): Promise<Position> {
    return this.options.reader.refresh(signal);
  }

  refreshWithin(maxAgeMs: number, signal: AbortSignal): Promise<Position> {
    return this.options.reader.refreshWithin(maxAgeMs, signal);
  }

  async settled(signal: AbortSignal): Promise<Position> {
    const head = await this.options.reader.refresh(signal);
    await withDeadline(signal, APPLY_LIMIT_MS, this.options.clock, () => this.#applying.whenAllApplied());
    return head;
  }

  append(change: Change, guard: Guard, signal: AbortSignal): Promise<Entry> {
    return new Promise<Entry>((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#stopping.signal.aborted) throw closed();
      const leave = (): void => {
        this.#queue.remove(draft);
        reject(signal.reason);
      };
      const settle = <T>(how: (value: T) => void) => {
        return (value: T): void => {
          signal.removeEventListener('abort', leave);
          how(value);
        };
      };
      const draft: Draft = { change, guard, resolve: settle(resolve), reject: settle(reject) };
      signal.addEventListener('abort', leave, { once: true });
      this.#queue.push(draft);
      if (!this.#running) this.#finished = this.#run();
    });
  }

  /** Refuses what waits, and stops trying. What was written stays written; the next start applies it. */
  async close(): Promise<void> {
    this.#stopping.abort(closed());
    for (const draft of this.#queue.drain()) draft.reject(closed());
    await this.#finished;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.size > 0 && !this.#stopping.signal.aborted) await this.#round();
    this.#running = false;
  }

  async #round(): Promise<void> {
    // Taken together, without a pause: every entry up to `before` is applied here or counted among those being applied.
    const before = this.options.reader.head;
    const version = this.#applying.version;
    const drafts = this.#queue.takeBatch((guard) => this.#applying.touches(guard));
    try {
      if (drafts.length > 0) await this.#commit(before, await this.#validated(drafts));
      else await this.#applying.whenChanged(version);
    } catch (error) {
      for (const draft of drafts) {
        this.#queue.remove(draft);
        draft.reject(error);
      }
    }
  }

  async #validated(drafts: readonly Draft[]): Promise<readonly Draft[]> {
    const verdicts = await Promise.allSettled(drafts.map((draft) => draft.guard.validate(this.#stopping.signal)));
    return drafts.filter((draft, index) => {
      const verdict = verdicts[index];
      if (verdict?.status === 'rejected') draft.reject(verdict.reason);
      return verdict?.status === 'fulfilled';
    });
  }

  /** Writes the drafts into the slot after `before`, where they were judged; if it is taken, they are judged anew. */
  async #commit(before: Position, drafts: readonly Draft[]): Promise<void> {
    const [first, ...rest] = this.#entries(before, drafts);
    if (first === undefined) return;
    const batch: Batch = { entries: [first, ...rest], writer: this.options.random.uuid(), previous: before.chain };
    const bytes = encodeBatch(batch);
    if (!(await this.#fillSlot(batch, bytes))) {
      this.#queue.unshift(drafts);
      await this.options.reader.refresh(this.#stopping.signal);
      return;
    }
    const sureAt = await this.#ofThisJournal();
    this.options.reader.advance(batch, positionAfter(batch, digestOf(bytes)), sureAt);
    for (const [index, draft] of drafts.entries()) this.#answer(draft, batch.entries[index] ?? first);
  }

  /** A slot that a cut has freed is none: what was put there nobody will read. */
  async #ofThisJournal(): Promise<Instant> {
    try {
      return await this.options.reader.confirmNotCut(this.#stopping.signal);
    } catch (error) {
      throw unavailable(error);
    }
  }

  #entries(before: Position, drafts: readonly Draft[]): readonly Entry[] {
    if (before.epoch > this.options.epoch) throw fenced(before.epoch);
    const timeMs = Math.max(before.timeMs, this.options.clock.now());
    return drafts.map((draft, index) => ({
      ...draft.change,
      seq: before.seq + 1 + index,
      epoch: this.options.epoch,
      timeMs,
    }));
  }

  /** Sends the batch until its slot is filled, and says whether with ours. @throws RegistryError `UNAVAILABLE` */
  async #fillSlot(batch: Batch, bytes: Uint8Array): Promise<boolean> {
    const { clock, random, onRetry } = this.options;
    const key = keys.journalBatch(batch.entries[0].seq);
    const giveUpAt = clock.monotonic() + APPEND_LIMIT_MS;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await withDeadline(this.#stopping.signal, ATTEMPT_LIMIT_MS, clock, (signal) =>
          this.#tryFill(key, bytes, batch.writer, signal),
        );
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        if (isStorageError(error) && !error.retryable) throw error;
        if (clock.monotonic() > giveUpAt) throw unavailable(error);
        onRetry(`append at ${key}`, error);
        await clock.sleep(exponentialBackoff(attempt, { baseMs: 20, capMs: 1_000 }, random), this.#stopping.signal);
      }
    }
  }

  async #tryFill(key: string, bytes: Uint8Array, writer: string, signal: AbortSignal): Promise<boolean> {
    const { store } = this.options;
    try {
      await store.put(key, bytes, { condition: { kind: 'absent' }, signal });
      return true;
    } catch (error) {
      if (!isStorageError(error, 'precondition_failed')) throw error;
      const taken = await store.read(key, signal, MAX_BATCH_BYTES);
      if (taken === undefined) throw error;
      return parseBatch(taken.bytes).writer === writer;
    }
  }

  /** The entry is durable. Its writer hears of it once it is applied, for only then may it be acknowledged. */
  #answer(draft: Draft, entry: Entry): void {
    const { clock } = this.options;
    withDeadline(this.#stopping.signal, APPLY_LIMIT_MS, clock, () => this.#applying.whenApplied(entry.seq)).then(
      () => draft.resolve(entry),
      (error: unknown) => draft.reject(unavailable(error)),
    );
  }
}

function unavailable(cause: unknown): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, {
    cause,
    message: 'the store did not answer in time; whether the change was made is not known, and repeating it is safe',
    headers: { 'Retry-After': '2' },
  });
}

function fenced(epoch: number): RegistryError {
  const cause = new JournalError('fenced', `epoch ${epoch} has begun`);
  return new RegistryError('UNAVAILABLE', undefined, { cause, message: 'this region is no longer the primary' });
}

function closed(): RegistryError {
  return new RegistryError('UNAVAILABLE', undefined, {
    message: 'this process is stopping',
    headers: { 'Retry-After': '1' },
  });
}
