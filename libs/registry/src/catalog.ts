import { parseRepositoryName, type RepositoryName } from '#libs/oci';
import { keys, type ObjectStore } from '#libs/storage';

const EMPTY = new Uint8Array();

/** The repositories of a region, in the byte order of their names. */
export class Catalog {
  constructor(private readonly store: ObjectStore) {}

  async has(repository: RepositoryName, signal: AbortSignal): Promise<boolean> {
    return (await this.store.stat(keys.catalog(repository), signal)) !== undefined;
  }

  async add(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    if (await this.has(repository, signal)) return;
    await this.store.put(keys.catalog(repository), EMPTY, { signal });
  }

  /** The policy lets the region have nothing of it. */
  async remove(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    await this.store.delete(keys.catalog(repository), signal);
  }

  /** Every repository, a page at a time. */
  async *all(signal: AbortSignal): AsyncIterable<readonly RepositoryName[]> {
    let last: string | undefined;
    for (;;) {
      const page = await this.page({ limit: 1_000, ...(last === undefined ? {} : { last }) }, signal);
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
    const page = await this.store.list(
      {
        prefix: keys.catalogPrefix,
        limit: request.limit,
        ...(request.last === undefined ? {} : { startAfter: `${keys.catalogPrefix}${request.last}` }),
      },
      signal,
    );
    const items = page.objects.map((object) => parseRepositoryName(object.key.slice(keys.catalogPrefix.length)));
    return { items, more: page.more };
  }
}
