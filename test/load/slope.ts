export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** What a leak is not: caches that fill and code that is compiled. */
const WARM_SHARE = 0.3;

/** By how much the line of least squares through the points rises from the first to the last of them, after a warm-up. */
export function riseOf(points: readonly Point[]): { readonly rise: number; readonly mean: number } {
  const warm = points.slice(Math.floor(points.length * WARM_SHARE));
  const meanAt = mean(warm.map(({ atMs }) => atMs));
  const meanValue = mean(warm.map(({ value }) => value));
  const both = warm.reduce((sum, { atMs, value }) => sum + (atMs - meanAt) * (value - meanValue), 0);
  const own = warm.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const [first, last] = [warm.at(0), warm.at(-1)];
  if (first === undefined || last === undefined || own === 0) return { rise: Number.NaN, mean: meanValue };
  return { rise: (both / own) * (last.atMs - first.atMs), mean: meanValue };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
