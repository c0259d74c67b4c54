import { setMaxListeners } from 'node:events';

/** A signal that listens to others for as long as it is needed. Whoever made it must release it. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Stops listening. The signal does not abort any more. */
  release(): void;
}

/** In an object of its own: the same function may be given twice. */
interface Listening {
  readonly listener: () => void;
}

/**
 * Who listens to each signal, all by one listener of the signal's own: an EventTarget looks through all that it has for each
 * that is added or taken away, and to a signal that ends a process thousands listen, each for a moment.
 */
const listening = new WeakMap<AbortSignal, Set<Listening>>();

/** Calls `listener` when the signal aborts, at once if it has. @returns how to stop listening */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener();
    return () => undefined;
  }
  const all = listening.get(signal) ?? listenTo(signal);
  const own = { listener };
  all.add(own);
  return () => all.delete(own);
}

function listenTo(signal: AbortSignal): Set<Listening> {
  const all = new Set<Listening>();
  listening.set(signal, all);
  signal.addEventListener('abort', () => tell(all), { once: true });
  return all;
}

/** In the order in which they came, but for those that stop listening meanwhile. */
function tell(all: Set<Listening>): void {
  for (const own of all) {
    all.delete(own);
    own.listener();
  }
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
