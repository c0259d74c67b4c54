import type { SeedSummary } from './seed-summary.js';

/** What came of many seeds. */
export class SweepFigures {
  readonly failed: SeedSummary[] = [];
  readonly #interleavings = new Set<string>();
  readonly #faults = new Map<string, number>();
  #seeds = 0;
  #requests = 0;
  #checks = 0;
  #virtualMs = 0;

  get seeds(): number {
    return this.#seeds;
  }

  add(summary: SeedSummary): void {
    this.#seeds += 1;
    this.#requests += summary.requests;
    this.#checks += summary.checks;
    this.#virtualMs += summary.virtualMs;
    this.#interleavings.add(summary.traceHash);
    for (const [kind, count] of summary.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    if (summary.violations.length > 0) this.failed.push(summary);
  }

  lines(seconds: number): readonly string[] {
    const kinds = [...this.#faults].map(([kind, count]) => `${kind} ${count}`).sort();
    const faults = [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
    const verdict = this.failed.length === 0 ? 'PASS' : 'FAIL';
    const which = this.failed.slice(0, 20).map(({ seed }) => seed);
    return [
      `faults: ${kinds.join(', ')}`,
      `${this.#interleavings.size} interleavings, invariants checked ${this.#checks} times, ` +
        `${(this.#virtualMs / 3_600_000).toFixed(1)} h of virtual time`,
      `${verdict}: ${this.#seeds} seeds, ${this.#requests} requests, ${faults} faults, ` +
        `${this.failed.length} seeds with violations${which.length === 0 ? '' : ` (${which.join(', ')})`}, ${seconds} s`,
    ];
  }
}
