import type { SeededRandom } from '#libs/resilience/testing';
import type { FaultPlan } from './fault-plan.js';

export type StoreFault = 'none' | 'before' | 'after' | 'late';

/** Decides what goes wrong, until it is told that nothing does any more. Counts what it did, by kind. */
export class FaultInjector {
  readonly counts = new Map<string, number>();
  #healed = false;

  constructor(
    private readonly random: SeededRandom,
    readonly plan: FaultPlan,
  ) {}

  get healed(): boolean {
    return this.#healed;
  }

  heal(): void {
    this.#healed = true;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Whether it happens this time. */
  strikes(kind: string, chance: number): boolean {
    if (this.#healed || this.random.next() >= chance) return false;
    this.count(kind);
    return true;
  }

  storeFault(changes: boolean): StoreFault {
    const { storeFailure, storeLate } = this.plan;
    if (changes && this.strikes('store-late', storeLate)) return 'late';
    if (!this.strikes('store-failure', storeFailure)) return 'none';
    return changes && this.random.next() < 0.5 ? 'after' : 'before';
  }

  /** A wait that is short mostly and long sometimes. */
  delayMs(usualMs: number): number {
    const long = !this.#healed && this.random.next() < 0.02 ? 30 : 1;
    return this.random.next() * usualMs * long;
  }
}
