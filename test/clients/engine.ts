import { describe, it } from '@jest/globals';
import { runTool } from '../support/tools.js';

/** Something that does not run on this machine, and why. */
export interface NotRun {
  readonly whyNot: string;
}

/** A client that needs more than its program: it runs here, or it is said why it does not. */
export type Engine = RunningEngine | NotRun;

export interface RunningEngine {
  /** Runs its client. */
  readonly run: (...args: string[]) => Promise<string>;
  stop(): Promise<void>;
}

/** Declares the tests of an engine. One that is not run is a skipped test whose name says why, and a line nobody overlooks. */
export function describeEngine<Running extends object>(
  name: string,
  engine: Running | NotRun,
  tests: (engine: Running) => void,
): void {
  if (!('whyNot' in engine)) {
    describe(name, () => tests(engine));
    return;
  }
  process.stderr.write(`\n=== ${name}: NOT RUN on this machine: ${engine.whyNot} ===\n\n`);
  describe(name, () => it.skip(`NOT RUN: ${name}: ${engine.whyNot}`, () => undefined));
}

/** The client of an engine, with what it always has to be given. */
export function clientOf(
  program: string,
  always: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): RunningEngine['run'] {
  return async (...args) => (await runTool(program, [...always, ...args], options)).stdout.trim();
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The end of what a failure said: enough for a line. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').slice(-2).join(' ').slice(-300);
}
