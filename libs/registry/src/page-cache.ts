import { LRUCache } from 'lru-cache';
import type { Clock } from '#libs/resilience';
import type { Page, PageRequest } from './listing.js';
import { SeqCache } from './seq-cache.js';

/** The state of a list between two entries that touch it. Pages of one state have one of these in common. */
type ListState = object;

interface KnownPage {
  readonly state: ListState;
  readonly page: Page<string>;
}

const PAGE_BYTES = 8 * 1024 ** 2;
const STATE_BYTES = 2 * 1024 ** 2;

/** What a key and the bookkeeping of one page come to, and of one name. */
const OVERHEAD_BYTES = 400;
const NAME_OVERHEAD_BYTES = 24;

/**
 * Pages of lists that change by entries only, for as long as no entry touched the list: see {@link SeqCache}, which
 * knows what a read of the store may have missed. A list has no seq of its own, so any entry that touches it ends its state,
 * and what was read of it before or meanwhile is not kept.
 */
export class PageCache {
  readonly #states: SeqCache<ListState>;
  readonly #pages = new LRUCache<string, KnownPage>({
    maxSize: PAGE_BYTES,
    sizeCalculation: ({ page }, key) =>
      page.items.reduce((sum, { length }) => sum + length + NAME_OVERHEAD_BYTES, OVERHEAD_BYTES + key.length),
  });

  constructor(clock: Clock) {
    this.#states = new SeqCache({ clock, maxBytes: STATE_BYTES, bytesOf: () => 0 });
  }

  /** A page as `confirm` proves it to be still, or as `load` reads it from the store. */
  async get<T extends string>(
    list: string,
    request: PageRequest,
    confirm: () => Promise<unknown>,
    load: () => Promise<Page<T>>,
  ): Promise<Page<T>> {
    const key = keyOf(list, request);
    const known = this.#find<T>(list, key);
    if (known === undefined) return this.#fill(list, key, load);
    await confirm();
    return this.#find<T>(list, key) ?? this.#fill(list, key, load);
  }

  touch(list: string, seq: number): void {
    this.#states.touch(list, seq);
  }

  applied(list: string, seq: number): void {
    this.#states.applied(list, seq);
  }

  #find<T extends string>(list: string, key: string): Page<T> | undefined {
    const known = this.#pages.get(key);
    if (known === undefined || known.state !== this.#states.get(list)) return undefined;
    return known.page as Page<T>;
  }

  async #fill<T extends string>(list: string, key: string, load: () => Promise<Page<T>>): Promise<Page<T>> {
    const before = this.#states.get(list) ?? (await this.#newState(list));
    const page = await load();
    if (before !== undefined && this.#states.get(list) === before) this.#pages.set(key, { state: before, page });
    return page;
  }

  /** `undefined` while an entry that touches the list is known and not applied: what is read now may lack it. */
  async #newState(list: string): Promise<ListState | undefined> {
    const state = {};
    await this.#states.fill(list, async () => ({ seq: 0, value: state }));
    return this.#states.get(list) === state ? state : undefined;
  }
}

function keyOf(list: string, { limit, last }: PageRequest): string {
  return last === undefined ? `${list} ${limit}` : `${list} ${limit} ${last}`;
}
