import { LRUCache } from 'lru-cache';

/** About a megabyte of keys. */
const MOST_NAMES = 10_000;

/**
 * Guesses which keys are about to be written for the first time: those that this process never saw, as long as the last of such was new.
 * A guess saves the look before a conditional write and changes no outcome; one that is wrong costs that write.
 */
export class NewNames {
  readonly #seen = new LRUCache<string, true>({ max: MOST_NAMES });
  #lastWasNew = false;

  isLikelyNew(key: string): boolean {
    return this.#lastWasNew && this.#seen.get(key) === undefined;
  }

  /** What is true of the key, which is there now in any case. */
  noted(key: string, wasNew: boolean): void {
    if (this.#seen.get(key) === undefined) this.#lastWasNew = wasNew;
    this.#seen.set(key, true);
  }
}
