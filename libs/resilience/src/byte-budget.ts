import { onAbort } from './abort.js';

interface Waiter {
  readonly amount: number;
  readonly admit: () => void;
}

/**
 * At most so many bytes in flight, first come, first served: a large amount is not overtaken by smaller ones, so it gets
 * its turn. What is larger than the whole budget runs alone. Bytes are given back when the work has settled.
 */
export class ByteBudget {
  #free: number;
  readonly #waiting = new Set<Waiter>();

  constructor(readonly capacity: number) {
    this.#free = capacity;
  }

  /** Runs `work` once there is room. Rejects with the signal's reason if it aborts while waiting. */
  async run<T>(bytes: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const giveBack = await this.take(bytes, signal);
    try {
      return await work();
    } finally {
      giveBack();
    }
  }

  /**
   * The same for what is held beyond one piece of work. Rejects with the signal's reason if it aborts while waiting.
   * @returns how to give the bytes back, once
   */
  async take(bytes: number, signal: AbortSignal): Promise<() => void> {
    const amount = Math.min(bytes, this.capacity);
    signal.throwIfAborted();
    if (this.#waiting.size === 0 && amount <= this.#free) this.#free -= amount;
    else await this.#turn(amount, signal);
    return () => {
      this.#free += amount;
      this.#admit();
    };
  }

  #turn(amount: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, () => {
        this.#waiting.delete(waiter);
        reject(signal.reason);
        this.#admit();
      });
      const waiter: Waiter = {
        amount,
        admit: () => {
          stop();
          resolve();
        },
      };
      this.#waiting.add(waiter);
    });
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (waiter.amount > this.#free) return;
      this.#waiting.delete(waiter);
      this.#free -= waiter.amount;
      waiter.admit();
    }
  }
}
