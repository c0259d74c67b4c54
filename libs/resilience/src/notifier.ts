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
    signal.throwIfAborted();
    if (this.#version !== version) return true;
    const finished = new AbortController();
    const ended = AbortSignal.any([signal, finished.signal]);
    try {
      const timeout = Number.isFinite(limitMs) ? clock.sleep(limitMs, ended).then(() => false) : never(ended);
      return await Promise.race([this.#next(ended), timeout]);
    } finally {
      finished.abort();
    }
  }

  #next(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = (): void => {
        this.#waiting.delete(wake);
        reject(signal.reason);
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
