import { untilAborted } from './abort.js';
import type { Clock } from './clock.js';
import { withDeadline } from './deadline.js';
import { nextTurn } from './next-turn.js';

/**
 * Looks that many ask for at once, where an answer counts only if the look began after the question: who asks while one
 * is under way shares the next. So a key is looked at once at a time, however many ask, and nobody waits for more than
 * two looks. A look begins when a turn of the event loop has brought nobody new, or after a few that did: where there is
 * much to do, those who were answered by the last look come back during these, and share one with those who waited.
 *
 * A look belongs to nobody who asked, so it has a limit of its own; whoever asked may leave by the own signal.
 */
export class SharedRounds<K, V> {
  readonly #running = new Map<K, Promise<V>>();
  /** Not begun yet: for everybody who asks from now on. */
  readonly #next = new Map<K, Gathered<V>>();
  /** Its own: a look that never ends must not be kept by something that everybody has. */
  readonly #forever = new AbortController().signal;

  constructor(private readonly options: { readonly clock: Clock; readonly limitMs: number }) {}

  /** @throws DeadlineExceeded after the limit, the signal's reason, or what `work` throws */
  run(key: K, work: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V> {
    return untilAborted(this.#join(key, work), signal);
  }

  #join(key: K, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const next = this.#next.get(key);
    if (next !== undefined) {
      next.asking.count += 1;
      return next.look;
    }
    const asking = { count: 1 };
    const begin = async (): Promise<V> => {
      await allHaveAsked(asking);
      this.#next.delete(key);
      return this.#begin(key, work);
    };
    const look = this.#running.get(key)?.then(begin, begin) ?? begin();
    this.#next.set(key, { asking, look });
    return look;
  }

  #begin(key: K, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const { clock, limitMs } = this.options;
    const look = withDeadline(this.#forever, limitMs, clock, work).finally(() => this.#running.delete(key));
    this.#running.set(key, look);
    return look;
  }
}

/** A look that has not begun, and how many wait for it. */
interface Gathered<V> {
  readonly asking: { count: number };
  readonly look: Promise<V>;
}

/** So many turns, which others keep busy, are less than a look takes. */
const MOST_TURNS = 4;

async function allHaveAsked(asking: { readonly count: number }): Promise<void> {
  for (let turn = 0, before = 0; turn < MOST_TURNS && asking.count > before; turn += 1) {
    before = asking.count;
    await nextTurn();
  }
}
