import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';
import { runSeed } from './run-seed.js';

/** How a planted bug was found: after how many seeds, and by which checkers. */
export interface Catch {
  readonly bug: PlantedBug;
  readonly seeds: number;
  readonly checkers: readonly string[];
}

/** Runs seeds with the bug until a checker sees it; `undefined` when none of `limit` seeds shows it. */
export async function catchBug(
  bug: PlantedBug,
  options: { readonly operations: number; readonly limit: number },
): Promise<Catch | undefined> {
  for (let seed = 1; seed <= options.limit; seed += 1) {
    const { violations } = await runSeed({ seed, operations: options.operations, bug, traceLines: 0 });
    if (violations.length > 0)
      return { bug, seeds: seed, checkers: [...new Set(violations.map(({ checker }) => checker))] };
  }
  return undefined;
}

export function plantedBugs(): readonly PlantedBug[] {
  return Object.keys(PLANTED_BUGS) as PlantedBug[];
}
