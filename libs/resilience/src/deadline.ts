import { type LinkedSignal, onAbort, untilAborted } from './abort.js';
import type { Clock } from './clock.js';

/** The work did not end in its time. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(readonly limitMs: number) {
    super(`not done within ${limitMs} ms`);
  }
}

/** Aborts after `limitMs` with {@link DeadlineExceeded}, or when `signal` aborts. For work that outlives a call. */
export function deadline(signal: AbortSignal, limitMs: number, clock: Clock): LinkedSignal {
  const linked = new AbortController();
  const released = new AbortController();
  const stop = onAbort(signal, () => linked.abort(signal.reason));
  clock.sleep(limitMs, released.signal).then(
    () => linked.abort(new DeadlineExceeded(limitMs)),
    () => undefined,
  );
  return {
    signal: linked.signal,
    release: () => {
      stop();
      released.abort(RELEASED);
    },
  };
}

/** Nobody sees it, and making one each time costs more than the rest. */
const RELEASED = new Error('released');

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
  const limited = deadline(signal, limitMs, clock);
  try {
    return await untilAborted(work(limited.signal), limited.signal);
  } finally {
    limited.release();
  }
}
