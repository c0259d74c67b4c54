import { runSeed, type SeedOptions, type SeedRun } from './run-seed.js';
import { kindOf } from './script.js';

export interface ShrinkLimits {
  readonly limitMs: number;
  /** Real time: what is bounded is how long somebody waits. */
  readonly nowMs: () => number;
}

/**
 * The same world with as little as possible of what happened in it (delta debugging): whole kinds of faults go first, then
 * parts of what is left, ever smaller. A smaller run counts if one of the same checkers still fails.
 */
export async function shrink(
  failed: SeedRun,
  options: SeedOptions,
  { limitMs, nowMs }: ShrinkLimits,
): Promise<SeedRun> {
  const untilMs = nowMs() + limitMs;
  const checkers = new Set(failed.violations.map(({ checker }) => checker));
  let smallest = failed;
  const without = async (drop: (act: string, index: number) => boolean): Promise<boolean> => {
    const acts = smallest.played.filter((act, index) => !drop(act, index));
    if (acts.length === smallest.played.length || nowMs() > untilMs) return false;
    const run = await runSeed({ ...options, only: new Set(acts) });
    if (!run.violations.some(({ checker }) => checkers.has(checker))) return false;
    smallest = run;
    return true;
  };
  for (const kind of new Set(failed.played.map(kindOf))) await without((act) => kindOf(act) === kind);
  for (let size = smallest.played.length >> 1; size >= 1; size = await nextSize(size)) {
    // From the end: what came after the violation is of no use.
    for (let end = smallest.played.length; end > 0; end = Math.min(end - size, smallest.played.length)) {
      await without((_, index) => index >= end - size && index < end);
    }
  }
  return smallest;

  /** Single acts are tried until none of them can be spared. */
  async function nextSize(size: number): Promise<number> {
    if (size > 1 || nowMs() > untilMs) return size >> 1;
    const before = smallest.played.length;
    for (let index = before - 1; index >= 0; index -= 1) await without((_, at) => at === index);
    return smallest.played.length < before ? 1 : 0;
  }
}
