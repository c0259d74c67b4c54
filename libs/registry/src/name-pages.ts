import type { ObjectStat, ObjectStore } from '#libs/storage';

export interface NamePageRequest {
  readonly limit: number;
  /** The page begins behind it. */
  readonly last?: string;
}

export interface NamePage<T> {
  readonly items: readonly T[];
  /** There is at least one more. */
  readonly more: boolean;
}

/** The names that are kept as keys below a prefix, in byte order; tombstones, which the sizes of a listing tell, are passed over. */
export class NamePages<T extends string> {
  constructor(
    private readonly store: ObjectStore,
    private readonly names: {
      readonly prefix: string;
      readonly isLive: (object: ObjectStat) => boolean;
      readonly parse: (name: string) => T;
    },
  ) {}

  async page(request: NamePageRequest, signal: AbortSignal): Promise<NamePage<T>> {
    if (request.limit === 0) return { items: [], more: false };
    const { prefix, isLive, parse } = this.names;
    const items: T[] = [];
    let startAfter = request.last === undefined ? undefined : `${prefix}${request.last}`;
    for (;;) {
      // One more than asked for, so that `more` is true only if there is more.
      const limit = Math.min(1_000, request.limit + 1 - items.length);
      const from = startAfter === undefined ? {} : { startAfter };
      const page = await this.store.list({ prefix, limit, ...from }, signal);
      for (const object of page.objects.filter(isLive)) items.push(parse(object.key.slice(prefix.length)));
      startAfter = page.objects.at(-1)?.key;
      if (items.length > request.limit) return { items: items.slice(0, request.limit), more: true };
      if (!page.more || startAfter === undefined) return { items, more: false };
    }
  }

  /** Every name, a page at a time. */
  async *all(signal: AbortSignal): AsyncGenerator<readonly T[]> {
    let last: string | undefined;
    for (;;) {
      const page = await this.page({ limit: 999, ...(last === undefined ? {} : { last }) }, signal);
      yield page.items;
      last = page.items.at(-1);
      if (!page.more || last === undefined) return;
    }
  }
}
