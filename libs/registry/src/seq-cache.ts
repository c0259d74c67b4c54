import { LRUCache } from 'lru-cache';
import type { Clock } from '#libs/resilience';
import type { Sequenced } from './seq-register.js';

export interface SeqCacheOptions<T> {
  readonly clock: Clock;
  readonly maxBytes: number;
  /** About how much memory a value holds. */
  readonly bytesOf: (value: T) => number;
  /** Values older than this are read again; by default they may stay as long as there is room. */
  readonly maxAgeMs?: number;
}

interface Known<T> {
  readonly seq: number;
  readonly value: T;
  readonly readMs: number;
}

/** A read of the store under way, and the place that its answer must have reached to be kept. */
interface Fill {
  minSeq: number;
}

/** What a key and the bookkeeping of one value come to. */
const OVERHEAD_BYTES = 400;

/**
 * What was read of a region's registers, for as long as it is what the entries up to the journal's known head made of
 * them. Whoever answers from it first makes sure that this head is the journal's: nothing here knows of later entries.
 *
 * A value read from the store may be older than the head: its entry may not have been applied yet, by whichever process,
 * or while it was on its way. So every entry is told here twice, when it is known and once it is applied in the store.
 * In between, and for reads that began before, a value counts only from that entry's seq on. Only what is there is
 * kept, never that something is absent.
 */
export class SeqCache<T> {
  readonly #known: LRUCache<string, Known<T>>;
  readonly #fills = new Map<string, Set<Fill>>();
  /** Keys that an entry touches which is known and not yet applied, with the seq of the newest such. */
  readonly #pending = new Map<string, number>();
  readonly #maxAgeMs: number;

  constructor(private readonly options: SeqCacheOptions<T>) {
    const { maxBytes, bytesOf, maxAgeMs = Number.POSITIVE_INFINITY } = options;
    this.#maxAgeMs = maxAgeMs;
    this.#known = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ value }, key) => OVERHEAD_BYTES + key.length + bytesOf(value),
    });
  }

  get(key: string): T | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    return this.options.clock.monotonic() - known.readMs <= this.#maxAgeMs ? known.value : undefined;
  }

  /** Reads it by `load`, and keeps what comes if that is certain to be as new as the head. */
  async fill(key: string, load: () => Promise<Sequenced<T> | undefined>): Promise<T | undefined> {
    const readMs = this.options.clock.monotonic();
    const fill: Fill = { minSeq: this.#pending.get(key) ?? 0 };
    const fills = this.#fills.get(key) ?? new Set();
    this.#fills.set(key, fills.add(fill));
    try {
      const found = await load();
      if (found?.value === undefined) return undefined;
      if (found.seq >= fill.minSeq) this.#known.set(key, { seq: found.seq, value: found.value, readMs });
      return found.value;
    } finally {
      fills.delete(fill);
      if (fills.size === 0) this.#fills.delete(key);
    }
  }

  /** What is known of the key is wrong, by no entry; what is being read of it may be too. */
  forget(key: string): void {
    this.#known.delete(key);
    for (const fill of this.#fills.get(key) ?? []) fill.minSeq = Number.POSITIVE_INFINITY;
  }

  /** An entry at `seq` changes the key, and the journal holds it. */
  touch(key: string, seq: number): void {
    if (seq > (this.#pending.get(key) ?? 0)) this.#pending.set(key, seq);
    const known = this.#known.get(key);
    if (known !== undefined && known.seq < seq) this.#known.delete(key);
    for (const fill of this.#fills.get(key) ?? []) fill.minSeq = Math.max(fill.minSeq, seq);
  }

  /** The entry at `seq` is applied: whatever is read from now on has seen it. */
  applied(key: string, seq: number): void {
    if ((this.#pending.get(key) ?? 0) <= seq) this.#pending.delete(key);
  }
}
