import { untilAborted } from './abort.js';
import type { Clock } from './clock.js';
import { deadline } from './deadline.js';

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
    signal.throwIfAborted();
    if (this.#version !== version) return true;
    const limited = deadline(signal, limitMs, clock);
    try {
      await this.#next(limited.signal);
    } catch {
      signal.throwIfAborted(); // Otherwise it was the limit, and that is an answer.
    } finally {
      limited.release();
    }
    return this.#version !== version;
  }

  async #next(signal: AbortSignal): Promise<void> {
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    try {
      await untilAborted(woken, signal);
    } finally {
      this.#waiting.delete(wake);
    }
  }
}
