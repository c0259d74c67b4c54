import { ByteBudget } from './byte-budget.js';

/**
 * At most so many at once, first come, first served. A permit is held until the work has settled, not merely begun.
 */
export class Limiter {
  readonly #permits: ByteBudget;

  constructor(readonly permits: number) {
    this.#permits = new ByteBudget(permits);
  }

  /** Runs `work` once there is a permit. Rejects with the signal's reason if it aborts while waiting. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#permits.run(1, signal, work);
  }
}
