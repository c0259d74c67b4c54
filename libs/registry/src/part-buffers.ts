import { ByteBudget, type Clock } from '#libs/resilience';

/** Bytes of a part: above S3's minimum of 5 MiB, and 10,000 of them are 78 GiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Parts of all uploads of the process together, being filled or on their way to the store: 80 MiB. Eight uploads at once
 * fill one each while the store writes the others'; more would only wait in another place.
 */
const PARTS = 10;

/**
 * Without the memory of a part an upload holds so much at the most, and all of them together about so much: clients that send
 * little are many, and those that send nothing more are held for as long as anybody's patience lasts. What is no larger than
 * the least never waits for a place.
 */
const MOST_SMALL_BYTES = 256 * 1024;
const LEAST_SMALL_BYTES = 16 * 1024;
const ALL_SMALL_BYTES = 8 * 1024 * 1024;

/** Buffers kept when no upload needs any; until then all are used again. */
const KEPT = 4;

/** While others wait: what an upload has to bring, looked at over so long, in which this process was awake. */
const PATIENCE_MS = 2_000;
/** The same while more wait than there are places: hundreds that stopped would keep everybody else waiting for minutes. */
const SHORT_PATIENCE_MS = 1_000;
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;
const LOOK_EVERY_MS = 500;

/** Who fills a part. */
export interface PartFiller {
  /** How much of the part is there. */
  readonly length: number;
  /** Others wait, and this one hardly moves: it has to give its part back. */
  revoke(): void;
}

/** The memory of one part. Either of its ends gives the place to the next; only the first call counts. */
export interface PartBuffer {
  readonly bytes: Buffer;
  /** It is full, and on its way: from now on it is not the client that is waited for. */
  filled(): void;
  /** Nobody reads or writes it any more. */
  giveBack(): void;
  /** Somebody may still read it: it is not used again. */
  drop(): void;
}

/**
 * Memory for parts on their way, as much as there is and no more, used again and again: a part of 8 MiB for every 8 MiB of
 * an upload would be garbage faster than the collector notices, and the process would grow with the blob. First come,
 * first served; uploads that hold a part and hardly fill it must give it back once others wait.
 */
export class PartBuffers {
  readonly #free: Buffer[] = [];
  readonly #places: ByteBudget;
  #taken = 0;
  #writers = 0;
  /** For how long each of them was seen to bring too little, and how much was there before. */
  readonly #filling = new Map<PartFiller, { readonly slowMs: number; readonly length: number }>();
  /** How many wait, and what ends the looks that are made meanwhile. */
  #waiting = 0;
  #looks = new AbortController();

  constructor(
    private readonly clock: Clock,
    private readonly parts: number = PARTS,
  ) {
    this.#places = new ByteBudget(parts);
  }

  /** How much an upload may hold, just now, before it needs the memory of a part. */
  get smallBytes(): number {
    const share = Math.floor(ALL_SMALL_BYTES / Math.max(1, this.#writers));
    return Math.min(MOST_SMALL_BYTES, Math.max(LEAST_SMALL_BYTES, share));
  }

  /** An upload begins to take in bytes. @returns how to say that it has ended; only the first call counts */
  enter(): () => void {
    this.#writers += 1;
    let ended = false;
    return () => {
      if (!ended) this.#writers -= 1;
      ended = true;
    };
  }

  /** Waits for a place. Rejects with the signal's reason if it aborts meanwhile. */
  async take(filler: PartFiller, signal: AbortSignal): Promise<PartBuffer> {
    const leave = await this.#place(signal);
    this.#watch(filler);
    this.#taken += 1;
    const bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
    let ended = false;
    const end = (keep: boolean): void => {
      if (ended) return;
      ended = true;
      this.#filling.delete(filler);
      this.#taken -= 1;
      if (keep) this.#free.push(bytes);
      if (this.#taken === 0) this.#free.splice(KEPT);
      leave();
    };
    return {
      bytes,
      filled: () => this.#filling.delete(filler),
      giveBack: () => end(true),
      drop: () => end(false),
    };
  }

  async #place(signal: AbortSignal): Promise<() => void> {
    this.#waiting += 1;
    if (this.#waiting === 1) void this.#press();
    try {
      return await this.#places.take(1, signal);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#looks.abort(NOBODY_WAITS);
    }
  }

  /** As long as somebody waits. */
  async #press(): Promise<void> {
    this.#looks = new AbortController();
    const { signal } = this.#looks;
    for (const filler of this.#filling.keys()) this.#watch(filler);
    for (;;) {
      await this.clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const [filler, { slowMs, length }] of this.#filling) this.#look(filler, slowMs + LOOK_EVERY_MS, length);
    }
  }

  #watch(filler: PartFiller): void {
    this.#filling.set(filler, { slowMs: 0, length: filler.length });
  }

  get #patienceMs(): number {
    return this.#waiting > this.parts ? SHORT_PATIENCE_MS : PATIENCE_MS;
  }

  /** A look that comes late counts as one: who was halted, or had no time to read, must not blame its clients for it. */
  #look(filler: PartFiller, slowMs: number, length: number): void {
    if (filler.length - length >= (SLOWEST_BYTES_PER_SECOND * slowMs) / 1_000) this.#watch(filler);
    else if (slowMs < this.#patienceMs) this.#filling.set(filler, { slowMs, length });
    else {
      this.#filling.delete(filler);
      filler.revoke();
    }
  }
}

/** Nobody sees it, and making one each time costs more than the rest. */
const NOBODY_WAITS = new Error('nobody waits for it any more');
