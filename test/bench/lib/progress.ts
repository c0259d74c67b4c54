import type { Row } from './suite.js';

/** Says what is measured now and how long it may still take; the rows' own guesses are corrected by what was seen. */
export class Progress {
  #done = 0;
  readonly #total: number;
  readonly #startedMs = performance.now();

  constructor(
    private readonly rows: readonly Row[],
    private readonly rounds: number,
    private readonly say: (line: string) => void,
  ) {
    this.#total = rows.reduce((sum, row) => sum + this.#weight(row), 0);
    say(`${rows.length} rows, about ${minutes(this.#total)}`);
  }

  starts(row: Row, index: number): void {
    this.say(`\n[${index + 1}/${this.rows.length}] ${row.name}: ${row.title}`);
  }

  samples(row: Row, round: number, contender: string): void {
    this.say(`  round ${round + 1}/${this.#roundsOf(row)} ${contender}, ${minutes(this.#left())} left in all`);
  }

  ended(row: Row): void {
    this.#done += this.#weight(row);
  }

  #left(): number {
    const elapsed = (performance.now() - this.#startedMs) / 1000;
    if (this.#done === 0) return Math.max(0, this.#total - elapsed);
    return Math.max(0, (this.#total - this.#done) * Math.max(0.2, Math.min(3, elapsed / this.#done)));
  }

  #weight = (row: Row): number => row.secondsPerRound * this.#roundsOf(row) + 3;

  #roundsOf = (row: Row): number => Math.min(this.rounds, row.mostRounds ?? this.rounds);
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
