import { anySignal, type LinkedSignal } from './abort.js';

/** Work that begins as it goes along and ends together: when one task fails, or the signal aborts, all are told to end. */
export class TaskGroup {
  readonly #ended = new AbortController();
  readonly #linked: LinkedSignal;
  readonly #running = new Set<Promise<void>>();

  constructor(signal: AbortSignal) {
    this.#linked = anySignal([signal, this.#ended.signal]);
  }

  /** What every task is given. */
  get signal(): AbortSignal {
    return this.#linked.signal;
  }

  add(task: (signal: AbortSignal) => Promise<void>): void {
    const running: Promise<void> = task(this.signal)
      .catch((error: unknown) => this.#ended.abort(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Tells every task to end, for that reason. */
  end(reason: Error): void {
    this.#ended.abort(reason);
  }

  /** Resolves when nothing runs any more; rejects with the first reason if something failed. Call it once, at the end. */
  async join(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    const { signal } = this;
    this.#linked.release();
    signal.throwIfAborted();
  }
}
