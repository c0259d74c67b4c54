import { setMaxListeners } from 'node:events';

/** A signal that listens to others for as long as it is needed. Whoever made it must release it. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Stops listening. The signal does not abort any more. */
  release(): void;
}

/** Calls `listener` when the signal aborts, at once if it has. @returns how to stop listening */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/**
 * Aborts with the first of `signals`, and with its reason. Unlike `AbortSignal.any` it can be released: that one leaves
 * something behind on a signal that lives as long as the process, each time.
 */
export function anySignal(signals: readonly AbortSignal[]): LinkedSignal {
  const controller = new AbortController();
  // A signal that ends a process is listened to by everything that is under way: no leak, as long as links are released.
  setMaxListeners(0, ...signals);
  const stops = signals.map((signal) => onAbort(signal, () => controller.abort(signal.reason)));
  return {
    signal: controller.signal,
    release: () => {
      for (const stop of stops) stop();
    },
  };
}

/** Settles as `promise` does, unless the signal aborts first: then it rejects with its reason, and `promise` is left alone. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason));
    promise.then(
      (value) => {
        stop();
        resolve(value);
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
  });
}
