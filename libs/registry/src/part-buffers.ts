import { ByteBudget, type Clock } from '#libs/resilience';

/** Bytes of a part: above S3's minimum of 5 MiB, and 10,000 of them are 78 GiB. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Parts of all uploads of the process together, being filled or on their way to the store: 80 MiB. Eight uploads at once
 * fill one each while the store writes the others'; more would only wait in another place.
 */
const PARTS = 10;

/** Buffers kept when no upload needs any; until then all are used again. */
const KEPT = 4;

/** While others wait: what an upload has to bring, looked at over so long. */
const PATIENCE_MS = 2_000;
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
  /** Since when each of them brings too little, and how much was there by then. */
  readonly #filling = new Map<PartFiller, { readonly sinceMs: number; readonly length: number }>();

  constructor(
    private readonly clock: Clock,
    parts: number = PARTS,
  ) {
    this.#places = new ByteBudget(parts);
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
    const waiting = new AbortController();
    void this.#press(waiting.signal);
    try {
      return await this.#places.take(1, signal);
    } finally {
      waiting.abort();
    }
  }

  /** As long as somebody waits. */
  async #press(waiting: AbortSignal): Promise<void> {
    for (;;) {
      await this.clock.sleep(LOOK_EVERY_MS, waiting).catch(() => undefined);
      if (waiting.aborted) return;
      for (const [filler, { sinceMs, length }] of this.#filling) this.#look(filler, sinceMs, length);
    }
  }

  #watch(filler: PartFiller): void {
    this.#filling.set(filler, { sinceMs: this.clock.monotonic(), length: filler.length });
  }

  #look(filler: PartFiller, sinceMs: number, length: number): void {
    const passedMs = this.clock.monotonic() - sinceMs;
    if (filler.length - length >= (SLOWEST_BYTES_PER_SECOND * passedMs) / 1_000) this.#watch(filler);
    else if (passedMs >= PATIENCE_MS) {
      this.#filling.delete(filler);
      filler.revoke();
    }
  }
}
