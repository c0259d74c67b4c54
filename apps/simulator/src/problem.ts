/** Something that the person at the terminal can put right. Shown as one line, without a stack. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(message: string, options: { readonly cause?: unknown; readonly details?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.details = options.details ?? [];
  }

  /** Shown below the line: the last words of a process that died. */
  readonly details: readonly string[];
}

/** What went wrong, in the words of whoever noticed. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of an error (`EADDRINUSE`), or `undefined`. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
