import { INTERRUPTED_CODE, Interrupted } from './interrupts.js';
import { Problem } from './problem.js';
import type { Terminal } from './terminal.js';

const FAILED = 1;

/** Shows why a command could not do its work. @returns its exit code */
export function reportFailure(error: unknown, stderr: Terminal): number {
  if (error instanceof Interrupted) return INTERRUPTED_CODE;
  if (error instanceof Problem) {
    for (const detail of error.details) stderr.line(stderr.style.dim(`    ${detail}`));
    stderr.warn(error.message);
  } else stderr.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return FAILED;
}
