/**
 * Runs all of `tasks` until each has ended. When one fails, or when `signal` aborts, the others are told to end; it
 * rejects with the first reason, and nothing of them goes on after that.
 */
export async function runTogether(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const limited = AbortSignal.any([signal, failed.signal]);
  const run = (task: (signal: AbortSignal) => Promise<void>): Promise<void> =>
    task(limited).catch((error: unknown) => failed.abort(error));
  await Promise.all(tasks.map(run));
  limited.throwIfAborted();
}
