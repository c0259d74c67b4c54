/** One number that a run has to keep to. */
export interface Figure {
  readonly name: string;
  readonly seen: number;
  readonly unit?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Outcome {
  /** What ran, and at what size. */
  readonly what: string;
  readonly figures: readonly Figure[];
  /** The first of what went wrong, for whoever has to find out why. */
  readonly notes: readonly string[];
}

/** What is not a number was not measured, and so not kept to. */
export function isMet({
  seen,
  atMost = Number.POSITIVE_INFINITY,
  atLeast = Number.NEGATIVE_INFINITY,
}: Figure): boolean {
  return seen <= atMost && seen >= atLeast;
}

export function passes({ figures }: Outcome): boolean {
  return figures.every(isMet);
}

export function figureLine(figure: Figure): string {
  const { name, seen, unit = '', atMost, atLeast } = figure;
  const bound =
    atMost !== undefined ? `at most ${round(atMost)}` : atLeast !== undefined ? `at least ${round(atLeast)}` : '';
  const mark = bound === '' ? ' ' : isMet(figure) ? '+' : '-';
  return `${mark} ${name.padEnd(46)} ${`${round(seen)} ${unit}`.trim().padStart(14)}  ${bound}`.trimEnd();
}

export function verdictLine(outcome: Outcome): string {
  const failed = outcome.figures.filter((figure) => !isMet(figure)).map(({ name }) => name);
  return failed.length === 0 ? `PASS: ${outcome.what}` : `FAIL: ${outcome.what}: ${failed.join(', ')}`;
}

function round(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}
