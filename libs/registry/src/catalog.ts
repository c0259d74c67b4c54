import { parseRepositoryName, type RepositoryName } from '#libs/oci';
import { keys, type ObjectStat, type ObjectStore } from '#libs/storage';
import { type NamePage, type NamePageRequest, NamePages } from './name-pages.js';
import { type SeqCodec, SeqRegisters } from './seq-register.js';

/** So long is the tombstone of a name, and nothing else: a listing tells it from what is there. */
const TOMBSTONE_BYTES = 64;

/** How often the name was taken away or given back, empty for never; whatever else somebody wrote there names the repository all the same. */
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
 * name only counts how often that changed: a store that does late what it was asked for can't undo what came after.
 */
export class Catalog {
  readonly #registers: SeqRegisters<true>;
  readonly #names: NamePages<RepositoryName>;

  constructor(private readonly store: ObjectStore) {
    this.#registers = new SeqRegisters(store, codec);
    this.#names = new NamePages(store, { prefix: keys.catalogPrefix, isLive, parse: parseRepositoryName });
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

  /** The policy lets the region have nothing of it. Where no name is, too: one that was asked for before may yet come. */
  async remove(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    await this.#registers.update(
      keys.catalog(repository),
      (current) => ({ seq: (current?.seq ?? 0) + 1, value: undefined, evicted: true }),
      signal,
    );
  }

  /** Every repository, a page at a time. */
  all(signal: AbortSignal): AsyncIterable<readonly RepositoryName[]> {
    return this.#names.all(signal);
  }

  page(request: NamePageRequest, signal: AbortSignal): Promise<NamePage<RepositoryName>> {
    return this.#names.page(request, signal);
  }
}
