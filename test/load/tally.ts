import { percentile } from '../bench/lib/statistics.js';

/** What became of a request: its status, or that the connection was refused or cut, or that nothing came in time. */
export type Fate = number | 'refused' | 'cut' | 'late';

const SHOWN = 5;

/** What became of many requests. */
export class Tally {
  readonly latenciesMs: number[] = [];
  readonly fates = new Map<Fate, number>();
  /** The first that should not have been answered so. */
  readonly oddities: string[] = [];

  count(fate: Fate): number {
    return this.fates.get(fate) ?? 0;
  }

  get all(): number {
    return [...this.fates.values()].reduce((sum, count) => sum + count, 0);
  }

  add(fate: Fate, ms: number, isGood: boolean): void {
    this.fates.set(fate, this.count(fate) + 1);
    if (isGood) this.latenciesMs.push(ms);
  }

  wonder(what: string): void {
    if (this.oddities.length < SHOWN) this.oddities.push(what);
  }

  p99(): number {
    return percentile(this.latenciesMs, 0.99);
  }

  toString(): string {
    return [...this.fates].map(([fate, count]) => `${fate}: ${count}`).join(', ');
  }
}
