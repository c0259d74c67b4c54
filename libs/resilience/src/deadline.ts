import type { Clock } from './clock.js';

/** The work did not end in its time. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(readonly limitMs: number) {
    super(`not done within ${limitMs} ms`);
  }
}

/**
 * Runs `work` for at most `limitMs`: its signal aborts when the time is over or when `signal` aborts, and the result
 * rejects then even if `work` does not listen.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  limitMs: number,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const done = new AbortController();
  const limited = AbortSignal.any([signal, over.signal]);
  clock.sleep(limitMs, done.signal).then(
    () => over.abort(new DeadlineExceeded(limitMs)),
    () => undefined,
  );
  try {
    return await Promise.race([work(limited), rejection(limited, done.signal)]);
  } finally {
    done.abort();
  }
}

function rejection(signal: AbortSignal, unless: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason);
    signal.addEventListener('abort', fail, { once: true });
    unless.addEventListener('abort', () => signal.removeEventListener('abort', fail), { once: true });
  });
}
