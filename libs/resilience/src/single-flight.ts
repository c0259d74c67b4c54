import { untilAborted } from './abort.js';

/** Work in progress for a key, and how many wait for it. */
interface Flight<V> {
  readonly promise: Promise<V>;
  readonly abort: AbortController;
  waiters: number;
}

/**
 * One run per key at a time; whoever asks meanwhile shares it. A waiter may leave by its own signal; when the last one
 * leaves, the run is aborted. Nothing is remembered afterwards, least of all a failure.
 */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Flight<V>>();

  async run(key: K, work: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiters += 1;
    try {
      return await untilAborted(flight.promise, signal);
    } finally {
      flight.waiters -= 1;
      if (flight.waiters === 0) this.#abandon(key, flight);
    }
  }

  #begin(key: K, work: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const abort = new AbortController();
    const promise = Promise.resolve()
      .then(() => work(abort.signal))
      .finally(() => this.#forget(key, flight));
    const flight: Flight<V> = { promise, abort, waiters: 0 };
    promise.catch(() => undefined); // Whoever waits hears of it; nobody may be left who does.
    this.#flights.set(key, flight);
    return flight;
  }

  /** Nobody waits any more: the next who asks must not join a run that is being ended. What is done stays done. */
  #abandon(key: K, flight: Flight<V>): void {
    if (this.#flights.get(key) !== flight) return;
    this.#forget(key, flight);
    flight.abort.abort(new Error('nobody waits for it any more'));
  }

  #forget(key: K, flight: Flight<V>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
