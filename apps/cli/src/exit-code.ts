/** What a script learns from the end of the program. */
export const EXIT_CODE = {
  ok: 0,
  /** The server refused, failed, or is not there. */
  failed: 1,
  /** The command line was not understood; nothing was asked of anybody. */
  usage: 2,
  /** What was waited for did not come about in time. */
  timeout: 3,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** A command line that is not understood, and a sentence that says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
