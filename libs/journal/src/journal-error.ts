/**
 * `corrupt`: a batch is not what its place in the chain says. `fenced`: a later epoch was seen, this writer's reign is
 * over. `closed`: the process is stopping. `truncated`: the entries that were asked for are gone, a snapshot has their outcome.
 */
export type JournalErrorCode = 'corrupt' | 'fenced' | 'closed' | 'truncated';

export class JournalError extends Error {
  override readonly name = 'JournalError';

  constructor(
    readonly code: JournalErrorCode,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(`journal: ${message}`, options);
  }
}
