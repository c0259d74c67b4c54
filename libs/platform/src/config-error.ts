/** One thing that is wrong with the configuration, as a person reads it. */
export interface ConfigProblem {
  /** `http.port`; a file's path, where the file itself is the trouble. */
  readonly path: string;
  /** What is wrong, and what is allowed. */
  readonly what: string;
  /** Where the value came from, or where it could be set. */
  readonly where: string;
}

/** The configuration cannot be used. The message lists every problem, one to a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly problems: readonly ConfigProblem[],
    options?: ErrorOptions,
  ) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super([`the configuration has ${count}:`, ...problems.map(formatProblem)].join('\n'), options);
  }
}

function formatProblem({ path, what, where }: ConfigProblem): string {
  return `  ${path} ${what} (${where})`;
}
