import { createHash } from 'node:crypto';
import type { Scheduler } from './scheduler.js';

/** Hashing many lines at once costs a tenth of hashing each. */
const HASHED_AT_ONCE = 16_384;

/** What happened, in order: hashed whole, so that two runs can be compared, and kept at its end. */
export class Trace {
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  /** Lines that are to be hashed. */
  #unhashed = '';
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
    this.#unhashed += line;
    if (this.#unhashed.length > HASHED_AT_ONCE) this.#hashAll();
    this.#count += 1;
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.keptLines) this.#lines = [...this.last(this.keptLines)];
  }

  last(count: number): readonly string[] {
    return count === 0 ? [] : this.#lines.slice(-count);
  }

  digest(): string {
    this.#hashAll();
    return this.#hash.copy().digest('hex');
  }

  #hashAll(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }
}
