import { onAbort } from './abort.js';
import { onBeat } from './beat.js';
import type { Clock } from './clock.js';

/**
 * Wakes those who wait for "something changed". Take `version`, look at the state, then wait from that version: a change
 * in between is never missed.
 */
export class Notifier {
  #version = 0;
  #waiting = new Set<() => void>();

  get version(): number {
    return this.#version;
  }

  notify(): void {
    this.#version += 1;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** True as soon as `version` is past; false after `limitMs` without a change. Rejects with the signal's reason. */
  async waitFor(
    version: number,
    options: { readonly limitMs: number; readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { limitMs, clock, signal } = options;
    const isBounded = limitMs !== Number.POSITIVE_INFINITY;
    return this.#wait(version, isBounded ? (wake) => after(limitMs, clock, wake) : undefined, signal);
  }

  /** The same until the next beat of that length, at the latest; see {@link onBeat}. */
  async waitForBeat(version: number, periodMs: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
    return this.#wait(version, (wake) => onBeat(periodMs, clock, wake), signal);
  }

  async #wait(
    version: number,
    limit: ((wake: () => void) => () => void) | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    signal.throwIfAborted();
    if (this.#version !== version) return true;
    await new Promise<void>((resolve) => {
      let endLimit = (): void => undefined;
      const wake = (): void => {
        stop();
        this.#waiting.delete(wake);
        endLimit();
        resolve();
      };
      const stop = onAbort(signal, wake);
      this.#waiting.add(wake);
      const end = limit?.(wake) ?? endLimit;
      // Whoever begins to wait may be what changes something.
      if (this.#version === version) endLimit = end;
      else end();
    });
    signal.throwIfAborted();
    return this.#version !== version;
  }
}

/** @returns how to end it */
function after(ms: number, clock: Clock, wake: () => void): () => void {
  const over = new AbortController();
  clock.sleep(ms, over.signal).then(wake, () => undefined);
  return () => over.abort(WOKEN);
}

/** Nobody sees it, and making one each time costs more than the rest. */
const WOKEN = new Error('woken');
