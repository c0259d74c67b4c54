import type { Violation } from '../checkers/index.js';
import { runSeed, type SeedOptions, type SeedRun } from './run-seed.js';
import { shrink } from './shrink.js';

/** What is told of a seed's run; plain data, for it goes from process to process. */
export interface SeedSummary {
  readonly seed: number;
  readonly operations: number;
  readonly rules: boolean;
  readonly traceHash: string;
  readonly requests: number;
  readonly checks: number;
  readonly virtualMs: number;
  readonly faults: readonly (readonly [string, number])[];
  readonly violations: readonly Violation[];
  /** Of a run that failed: the smallest that still does, and how many requests and faults it was shrunk from. */
  readonly shrunk?: Shrunk;
}

export interface Shrunk {
  readonly from: number;
  readonly only: readonly string[];
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
}

/** What a process that runs seeds is asked. */
export type SeedTask = Pick<SeedOptions, 'seed' | 'operations' | 'rules'> & {
  readonly only?: readonly string[];
  /** How long a failing run may be shrunk; 0: not at all. */
  readonly shrinkMs: number;
};

const TRACE_LINES = 400;

export async function runTask({ seed, operations, only, rules = false, shrinkMs }: SeedTask): Promise<SeedSummary> {
  const options = {
    seed,
    operations,
    rules,
    traceLines: TRACE_LINES,
    ...(only === undefined ? {} : { only: new Set(only) }),
  };
  const run = await runSeed(options);
  const { traceHash, checks, virtualMs, violations } = run;
  const told = { seed, operations, rules, traceHash, checks, virtualMs, violations, requests: run.operations };
  const summary = { ...told, faults: [...run.faults] };
  if (violations.length === 0) return summary;
  const limits = { limitMs: shrinkMs, nowMs: () => performance.now() };
  const smallest = shrinkMs === 0 ? run : await shrink(run, options, limits);
  return { ...summary, shrunk: shrunkOf(run, smallest) };
}

function shrunkOf(run: SeedRun, { played, violations, trace }: SeedRun): Shrunk {
  return { from: run.played.length, only: played, violations, trace };
}
