import type { Clock } from '../clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Time that passes only when a test says so. Sleepers wake in the order of their times. */
export class FakeClock implements Clock {
  #nowMs: number;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  /** How many wait for time to pass. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const leave = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      };
      const sleeper: Sleeper = {
        atMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Lets `ms` pass: everybody whose time comes wakes in order, and what they do at once is done before the next wakes. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.wake();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets every promise that can settle now do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
