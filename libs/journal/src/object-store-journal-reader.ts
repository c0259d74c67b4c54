import { digestOf } from '#libs/oci';
import { type Clock, Notifier, SharedRounds } from '#libs/resilience';
import { keys, type ObjectStore, type StoredObject } from '#libs/storage';
import { type Batch, decodeBatch, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, parseBatch, positionAfter } from './batch.js';
import type { Entry, Position } from './entry.js';
import type { JournalReader } from './journal.js';
import { JournalError } from './journal-error.js';
import { findJournalStart } from './journal-start.js';

/** Where the journal begins. */
export const ORIGIN: Position = { seq: 0, epoch: 0, timeMs: 0, chain: undefined };

/** Without a wake-up a follower looks by itself this often: one small GET, of the region's own store. */
const POLL_MS = 1_000;

/** How long a look for the head may take, with all the batches that it finds, before those who wait are told. */
const LOOK_LIMIT_MS = 10_000;

/** Newest entries kept in memory for followers, so that a live stream costs no reads: by number and by characters. */
const RECENT_ENTRIES = 4_096;
const RECENT_CHARACTERS = 16 * 1024 * 1024;

/** A process that was stopped for longer than this may have slept while the journal was cut; the journal is kept for longer. */
export const SURE_MS = 15 * 60_000;

export interface JournalReaderOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** A quarter of the time that batches are kept at the least; {@link SURE_MS} by default. */
  readonly sureMs?: number;
}

/** An instant by both clocks: neither alone notices every kind of sleep. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Reads the journal of one bucket. Every batch is checked against the chain before its entries are given out. */
export class ObjectStoreJournalReader implements JournalReader {
  #head: Position = ORIGIN;
  /** When the head was last known not to be cut off. */
  #sureAt: Instant;
  #recent: Entry[] = [];
  #recentCharacters = 0;
  /** When the last look began, by the monotonic clock, that found nothing after the head. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly #advanced = new Notifier();
  readonly #looks: SharedRounds<'head', Position>;
  readonly #listeners: ((batch: Batch) => void)[] = [];

  constructor(private readonly options: JournalReaderOptions) {
    this.#sureAt = this.#now();
    this.#looks = new SharedRounds({ clock: options.clock, limitMs: LOOK_LIMIT_MS });
  }

  /** Finds the newest batch. `hint`: a seq that is known to have been reached; the search begins there. */
  static async open(
    options: JournalReaderOptions,
    hint: number,
    signal: AbortSignal,
  ): Promise<ObjectStoreJournalReader> {
    const reader = new ObjectStoreJournalReader(options);
    await reader.#locate(hint, signal);
    return reader;
  }

  get head(): Position {
    return this.#head;
  }

  /** Hears every batch that moves the head, whoever wrote it, in order. */
  onBatch(listener: (batch: Batch) => void): void {
    this.#listeners.push(listener);
  }

  async cutOff(signal: AbortSignal): Promise<number> {
    return (await findJournalStart(this.options.store, signal))?.seq ?? 0;
  }

  async *read(after: number, signal: AbortSignal): AsyncIterable<Entry> {
    const until = this.#head.seq;
    let seen = after;
    while (seen < until) {
      for (const entry of await this.#chunk(seen, signal)) {
        if (entry.seq > until) return;
        seen = entry.seq;
        yield entry;
      }
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncIterable<Entry> {
    let seen = after;
    for (;;) {
      signal.throwIfAborted();
      const version = this.#advanced.version;
      for await (const entry of this.read(seen, signal)) {
        seen = entry.seq;
        yield entry;
      }
      if (this.#head.seq > seen) continue;
      const woken = await this.#advanced.waitFor(version, { limitMs: POLL_MS, clock: this.options.clock, signal });
      if (!woken) await this.refresh(signal);
    }
  }

  refresh(signal: AbortSignal): Promise<Position> {
    return this.#looks.run('head', (look) => this.#catchUp(look), signal);
  }

  async refreshWithin(maxAgeMs: number, signal: AbortSignal): Promise<Position> {
    const ageMs = this.options.clock.monotonic() - this.#lookedMs;
    return ageMs < maxAgeMs ? this.#head : this.refresh(signal);
  }

  /** Takes a batch that was just written at the head, or found there; `sureAt` is what {@link confirmNotCut} then said. */
  advance(batch: Batch, after: Position, sureAt: Instant): void {
    if (after.seq <= this.#head.seq) return;
    this.#head = after;
    this.#sureAt = sureAt;
    this.#remember(batch.entries);
    for (const listener of this.#listeners) listener(batch);
    this.#advanced.notify();
  }

  /** The batch in the slot after `before`, or `undefined` while the slot is free. @throws JournalError `corrupt` */
  async slot(before: Position, signal: AbortSignal): Promise<{ batch: Batch; after: Position } | undefined> {
    const found = await this.options.store.read(keys.journalBatch(before.seq + 1), signal, MAX_BATCH_BYTES);
    return found === undefined ? undefined : decodeBatch(found.bytes, before);
  }

  /**
   * The slot after the head was looked into, or filled, a moment ago. That means something only if it was not freed by a cut,
   * which a process that was stopped for very long may have missed: then the start is looked at.
   * @returns an instant at which the head was not cut off @throws JournalError `truncated` if it was
   */
  async confirmNotCut(signal: AbortSignal): Promise<Instant> {
    const { sureMs = SURE_MS } = this.options;
    const now = this.#now();
    const awayMs = Math.max(now.monotonicMs - this.#sureAt.monotonicMs, now.wallMs - this.#sureAt.wallMs);
    if (awayMs < sureMs) return now;
    const cutOff = await this.cutOff(signal);
    if (cutOff <= this.#head.seq) return now;
    throw new JournalError(
      'truncated',
      `this process knows entry ${this.#head.seq}, and ${cutOff} are gone: start it anew`,
    );
  }

  async #catchUp(signal: AbortSignal): Promise<Position> {
    for (;;) {
      const lookedMs = this.options.clock.monotonic();
      const next = await this.slot(this.#head, signal);
      const sureAt = await this.confirmNotCut(signal);
      if (next === undefined) {
        this.#sureAt = sureAt;
        this.#lookedMs = lookedMs;
        return this.#head;
      }
      this.advance(next.batch, next.after, sureAt);
    }
  }

  #now(): Instant {
    const { clock } = this.options;
    return { monotonicMs: clock.monotonic(), wallMs: clock.now() };
  }

  /** Some entries after `seen`, in order, at least one. Only called below the head. */
  async #chunk(seen: number, signal: AbortSignal): Promise<readonly Entry[]> {
    const oldest = this.#recent[0]?.seq ?? Number.POSITIVE_INFINITY;
    if (seen + 1 >= oldest) return this.#recent.slice(seen + 1 - oldest);
    const entries = (await this.#batchHolding(seen + 1, signal)).entries;
    return entries.filter((entry) => entry.seq > seen);
  }

  async #batchHolding(seq: number, signal: AbortSignal): Promise<Batch> {
    // Who reads on asks for the first entry of the next batch, which is its name.
    const found = (await this.#batchAt(keys.journalBatch(seq), signal)) ?? (await this.#batchAround(seq, signal));
    if (found === undefined) throw await this.#absent(seq, signal);
    const batch = parseBatch(found.bytes);
    if (!batch.entries.some((entry) => entry.seq === seq)) {
      throw new JournalError('corrupt', `the batch at ${batch.entries[0].seq} does not hold entry ${seq}`);
    }
    return batch;
  }

  #batchAt(key: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    return this.options.store.read(key, signal, MAX_BATCH_BYTES);
  }

  async #batchAround(seq: number, signal: AbortSignal): Promise<StoredObject | undefined> {
    const key = await this.#newestUpTo(seq, signal);
    return key === undefined ? undefined : this.#batchAt(key, signal);
  }

  async #absent(seq: number, signal: AbortSignal): Promise<JournalError> {
    const cutOff = await this.cutOff(signal);
    if (seq <= cutOff) return new JournalError('truncated', `entries up to ${cutOff} are gone, and ${seq} with them`);
    return new JournalError('corrupt', `no batch holds entry ${seq}`);
  }

  /**
   * A batch is named by its first seq and holds at most {@link MAX_BATCH_ENTRIES}, so it is among as many keys: on one page,
   * unless the store gives less than it was asked for.
   */
  async #newestUpTo(seq: number, signal: AbortSignal): Promise<string | undefined> {
    const wanted = keys.journalBatch(seq);
    let startAfter = keys.journalBatch(Math.max(0, seq - MAX_BATCH_ENTRIES));
    for (let newest: string | undefined; ; ) {
      const request = { prefix: keys.journalPrefix, startAfter, limit: MAX_BATCH_ENTRIES };
      const page = await this.options.store.list(request, signal);
      newest = page.objects.findLast(({ key }) => key <= wanted)?.key ?? newest;
      const last = page.objects.at(-1)?.key;
      if (!page.more || last === undefined || last >= wanted) return newest;
      startAfter = last;
    }
  }

  async #locate(hint: number, signal: AbortSignal): Promise<void> {
    const { store } = this.options;
    let startAfter = keys.journalBatch(Math.max(0, hint - MAX_BATCH_ENTRIES));
    let newest: string | undefined;
    for (;;) {
      const page = await store.list({ prefix: keys.journalPrefix, startAfter, limit: 1_000 }, signal);
      newest = page.objects.at(-1)?.key ?? newest;
      if (newest === undefined || !page.more) break;
      startAfter = newest;
    }
    if (newest === undefined) return;
    const found = await store.read(newest, signal, MAX_BATCH_BYTES);
    if (found === undefined) throw new JournalError('corrupt', `${newest} was listed and cannot be read`);
    const batch = parseBatch(found.bytes);
    this.#remember(batch.entries);
    this.#head = positionAfter(batch, digestOf(found.bytes));
  }

  #remember(entries: readonly Entry[]): void {
    const last = this.#recent.at(-1);
    if (last !== undefined && entries[0]?.seq !== last.seq + 1) this.#forgetAll();
    for (const entry of entries) {
      this.#recent.push(entry);
      this.#recentCharacters += weight(entry);
    }
    while (this.#recent.length > RECENT_ENTRIES || this.#recentCharacters > RECENT_CHARACTERS) {
      const dropped = this.#recent.shift();
      if (dropped === undefined) return;
      this.#recentCharacters -= weight(dropped);
    }
  }

  #forgetAll(): void {
    this.#recent = [];
    this.#recentCharacters = 0;
  }
}

function weight(entry: Entry): number {
  if (entry.type === 'policy.put') return JSON.stringify(entry.policy).length;
  return entry.type === 'manifest.put' ? entry.content.length : 0;
}
