import { untilAborted } from './abort.js';
import type { Clock } from './clock.js';
import { withDeadline } from './deadline.js';
import { nextTurn } from './next-turn.js';

/**
 * Looks that many ask for at once, where an answer counts only if the look began after the question: who asks while one
 * is under way shares the next. So a key is looked at once at a time, however many ask, and nobody waits for more than
 * two looks. The first begins a turn of the event loop later, for those whose questions came together with it.
 *
 * A look belongs to nobody who asked, so it has a limit of its own; whoever asked may leave by the own signal.
 */
export class SharedRounds<K, V> {
  readonly #running = new Map<K, Promise<V>>();
  /** Not begun yet: for everybody who asks from now on. */
  readonly #next = new Map<K, Promise<V>>();

  constructor(private readonly options: { readonly clock: Clock; readonly limitMs: number }) {}

  /** @throws DeadlineExceeded after the limit, the signal's reason, or what `work` throws */
  run(key: K, work: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> {
    return untilAborted(this.#join(key, work), signal);
  }

  #join(key: K, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const next = this.#next.get(key);
    if (next !== undefined) return next;
    const begin = (): Promise<V> => {
      this.#next.delete(key);
      return this.#begin(key, work);
    };
    const look = (this.#running.get(key) ?? nextTurn()).then(begin, begin);
    this.#next.set(key, look);
    return look;
  }

  #begin(key: K, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const { clock, limitMs } = this.options;
    const look = withDeadline(FOREVER, limitMs, clock, work).finally(() => this.#running.delete(key));
    this.#running.set(key, look);
    return look;
  }
}

const FOREVER = new AbortController().signal;
