import { parseRepositoryName, type RepositoryName } from '#libs/oci';
import { keys, type ObjectStat, type ObjectStore } from '#libs/storage';
import { type SeqCodec, SeqRegisters } from './seq-register.js';

/** So long is the tombstone of a name, and nothing else: a listing tells it from what is there. */
const TOMBSTONE_BYTES = 64;

/** How often the name was given back, empty for never; whatever else somebody wrote there names the repository all the same. */
const codec: SeqCodec<true> = {
  encode: ({ seq, value }) => {
    if (value === undefined) return Buffer.from(`${seq} removed`.padEnd(TOMBSTONE_BYTES));
    return Buffer.from(seq === 0 ? '' : `${seq}`);
  },
  decode: (bytes) => {
    const seq = Number.parseInt(Buffer.from(bytes).toString(), 10) || 0;
    return bytes.length === TOMBSTONE_BYTES ? { seq, value: undefined, evicted: true } : { seq, value: true };
  },
};

const isLive = ({ size }: ObjectStat): boolean => size !== TOMBSTONE_BYTES;

/**
 * The repositories of a region, in the byte order of their names. No entry of the journal takes one away, so the seq of a
 * name only counts how often it was given back: a store that does late what it was asked for can't undo what came after.
 */
export class Catalog {
  readonly #registers: SeqRegisters<true>;

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
  }

  async has(repository: RepositoryName, signal: AbortSignal): Promise<boolean> {
    const found = await this.store.stat(keys.catalog(repository), signal);
    return found !== undefined && isLive(found);
  }

  async add(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    if (await this.has(repository, signal)) return;
    await this.#registers.update(
      keys.catalog(repository),
      (current) => {
        if (current === undefined) return { seq: 0, value: true };
        return current.value === undefined ? { seq: current.seq + 1, value: true } : undefined;
      },
      signal,
    );
  }

  /** The policy lets the region have nothing of it. */
  async remove(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    await this.#registers.evict(keys.catalog(repository), signal);
  }

  /** Every repository, a page at a time. */
  async *all(signal: AbortSignal): AsyncIterable<readonly RepositoryName[]> {
    let last: string | undefined;
    for (;;) {
      const page = await this.page({ limit: 999, ...(last === undefined ? {} : { last }) }, signal);
      yield page.items;
      last = page.items.at(-1);
      if (!page.more || last === undefined) return;
    }
  }

  async page(
    request: { readonly limit: number; readonly last?: string },
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly RepositoryName[]; readonly more: boolean }> {
    if (request.limit === 0) return { items: [], more: false };
    const prefix = keys.catalogPrefix;
    const items: RepositoryName[] = [];
    let startAfter = request.last === undefined ? undefined : `${prefix}${request.last}`;
    for (;;) {
      // One more than asked for, so that `more` is true only if there is more.
      const limit = Math.min(1_000, request.limit + 1 - items.length);
      const page = await this.store.list(
        { prefix, limit, ...(startAfter === undefined ? {} : { startAfter }) },
        signal,
      );
      for (const object of page.objects.filter(isLive)) {
        items.push(parseRepositoryName(object.key.slice(prefix.length)));
      }
      startAfter = page.objects.at(-1)?.key;
      if (items.length > request.limit) return { items: items.slice(0, request.limit), more: true };
      if (!page.more || startAfter === undefined) return { items, more: false };
    }
  }
}
