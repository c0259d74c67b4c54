import type { Clock } from '#libs/resilience';

/** Connections that a copy begins with: enough for any link whose connections may have its whole window. */
const FIRST_LANES = 4;

/** One over 80 ms with windows of 64 KB carries 0.8 MB/s: so many carry 300 Mbit/s. */
const MAX_LANES = 48;

/** How long a number of lanes is tried before there are more; several round trips of a long way. */
const TRIAL_MS = 500;

/** More lanes are worth having while twice as many carry at least so much more. */
const WORTHWHILE = 1.15;

/** How many connections a copy uses: twice as many, again and again, for as long as that makes it faster. */
export class Lanes {
  #bytes = 0;
  #enough = false;

  constructor(private readonly clock: Clock) {}

  carried(bytes: number): void {
    this.#bytes += bytes;
  }

  /** There shall be no more of them. */
  hold(): void {
    this.#enough = true;
  }

  /** Opens the first lanes, then more while it pays, until the signal aborts or nothing is gained. */
  async grow(open: () => void, signal: AbortSignal): Promise<void> {
    let lanes = 0;
    for (let best = 0, wanted = FIRST_LANES; ; wanted = Math.min(MAX_LANES, lanes * 2)) {
      for (; lanes < wanted; lanes += 1) open();
      const before = this.#bytes;
      await this.clock.sleep(TRIAL_MS, signal);
      const carried = this.#bytes - before;
      if (this.#enough || lanes >= MAX_LANES || carried < best * WORTHWHILE) return;
      best = carried;
    }
  }
}
