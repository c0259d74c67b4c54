import { type Clock, Notifier } from '#libs/resilience';

/** Connections that a copy begins with: enough for any link whose connections may have its whole window. */
const FIRST_LANES = 4;

/** One over 80 ms with windows of 64 KB carries 0.8 MB/s: so many carry 300 Mbit/s. */
const MAX_LANES = 48;

/** How long it is looked what a number of lanes carries. */
const TRIAL_MS = 250;

/** A source that has not begun by then is slow for reasons of its own, and tells nothing of the way. */
const LONGEST_START_MS = 500;

/** More lanes are worth having while twice as many carry at least so much more. */
const WORTHWHILE = 1.15;

/**
 * How many connections a copy uses: twice as many, again and again, for as long as that makes it faster. New ones carry nothing
 * until they are open and were answered, so each trial begins that long after its lanes, as long as the first ones took;
 * else all of a short trial would be a start, and more lanes would look faster than they are.
 */
export class Lanes {
  #bytes = 0;
  #enough = false;
  readonly #begun = new Notifier();

  constructor(private readonly clock: Clock) {}

  carried(bytes: number): void {
    if (this.#bytes === 0) this.#begun.notify();
    this.#bytes += bytes;
  }

  /** There shall be no more of them. */
  hold(): void {
    this.#enough = true;
  }

  /** Opens the first lanes, then more while it pays, until the signal aborts or nothing is gained. */
  async grow(open: () => void, signal: AbortSignal): Promise<void> {
    const { clock } = this;
    const openedMs = clock.monotonic();
    for (let lane = 0; lane < FIRST_LANES; lane += 1) open();
    await this.#begun.waitFor(0, { limitMs: LONGEST_START_MS, clock, signal });
    const startMs = clock.monotonic() - openedMs;
    let best = await this.#trial(signal);
    for (let lanes = FIRST_LANES; lanes < MAX_LANES && !this.#enough; ) {
      const wanted = Math.min(MAX_LANES, lanes * 2);
      for (; lanes < wanted; lanes += 1) open();
      await clock.sleep(startMs, signal);
      const carried = await this.#trial(signal);
      if (carried < best * WORTHWHILE) return;
      best = carried;
    }
  }

  /** Bytes that all lanes together carry in the time of a trial. */
  async #trial(signal: AbortSignal): Promise<number> {
    const before = this.#bytes;
    await this.clock.sleep(TRIAL_MS, signal);
    return this.#bytes - before;
  }
}
