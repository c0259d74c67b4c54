/** What one sample of one contender showed, by the metric's name. */
export type Values = Readonly<Record<string, number>>;

/** How much is done: `quick` to see that it runs, `full` for the rows that take long. */
export type Size = 'quick' | 'usual' | 'full';

/** A figure that is asked for: `of`'s median, as it is or divided by the median of `against` in the same run. */
export interface Wanted {
  readonly metric: string;
  readonly of: string;
  readonly against?: string;
  /** The metric to divide by, if it is another one. */
  readonly againstMetric?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What a row is measured in: a directory of its own, and what has to be ended with it. */
export interface Scene {
  readonly directory: string;
  /**
   * Of all rows, removed at the end of the last: for many small files. Where ext4 has no journal, each inode that is made within
   * minutes of such a removal costs up to ten times as much.
   */
  readonly runDirectory: string;
  readonly size: Size;
  /** Aborted when the bench is to end. */
  readonly signal: AbortSignal;
  /** Ends when the row does, the last one first. */
  defer(end: () => Promise<unknown>): void;
}

/** Takes one sample of a contender. */
export type Sampler = (contender: string) => Promise<Values>;

/** One line of the table: the same work, done by several contenders in turn. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** The metric that is shown first, and drawn. */
  readonly metric: string;
  readonly unit: string;
  readonly lessIsBetter?: boolean;
  readonly contenders: readonly string[];
  readonly wanted: readonly Wanted[];
  /** About how long one round takes, and starting everything; for the estimate. */
  readonly secondsPerRound: number;
  /** For rows whose samples are medians already. */
  readonly mostRounds?: number;
  open(scene: Scene): Promise<Sampler>;
}

export interface Suite {
  readonly name: string;
  readonly summary: string;
  /** The document that a run of the whole suite is written to, below the root. */
  readonly document: string;
  /** Names the place in it, if it has more than one. */
  readonly section?: string;
  readonly picture: string;
  /** How each contender's name is explained in the document. */
  readonly contenders: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}
