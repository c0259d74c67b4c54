import { createHash } from 'node:crypto';
import type { Scheduler } from './scheduler.js';

/** What happened, in order: hashed whole, so that two runs can be compared, and kept at its end. */
export class Trace {
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  #count = 0;

  constructor(
    private readonly scheduler: Scheduler,
    /** Lines that are kept for whoever has to understand a failure. */
    private readonly keptLines = 0,
  ) {}

  get count(): number {
    return this.#count;
  }

  say(who: string, what: string): void {
    const line = `${this.scheduler.nowMs.toFixed(3).padStart(11)} ${who.padEnd(14)} ${what}`;
    this.#hash.update(line);
    this.#count += 1;
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.keptLines) this.#lines = [...this.last(this.keptLines)];
  }

  last(count: number): readonly string[] {
    return count === 0 ? [] : this.#lines.slice(-count);
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
