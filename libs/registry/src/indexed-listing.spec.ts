import { describe, expect, it } from '@jest/globals';
import { type Change, ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import { noGuard } from '#libs/journal/testing';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { IndexedListing } from './indexed-listing.js';
import { LocalListing } from './local-listing.js';
import { ReadIndex } from './read-index.js';
import { openRegionContent } from './region-content.js';

const never = new AbortController().signal;
const clock = new FakeClock();
const repository = parseRepositoryName('demo/app');
const PAGE = { limit: 10 };

/** Two processes of one region see each other's changes by the store alone. */
async function openProcess(store: ObjectStore, seed: number) {
  const lists: string[] = [];
  const counted = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...request: readonly unknown[]) => {
        if (name === 'list') lists.push(String((request[0] as { readonly prefix: string }).prefix));
        return value.apply(target, request);
      };
    },
  });
  const random = new SeededRandom(seed);
  const content = openRegionContent({ store: counted, clock, random });
  const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, never);
  const index = new ReadIndex(clock, reader);
  const journal = new ObjectStoreJournal({
    ...{ store, clock, random, epoch: 1, reader },
    apply: index.applying(content),
    onRetry: () => undefined,
  });
  return { journal, lists, listing: new IndexedListing(new LocalListing(content), index, journal) };
}

function tagged(name: string, tag: string): Change {
  const content = '{"m":0}';
  return {
    type: 'manifest.put',
    repository: parseRepositoryName(name),
    digest: digestOf(content),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    content,
    blobs: [],
    children: [],
    tags: [parseTag(tag)],
  };
}

describe('IndexedListing', () => {
  it('shows what another process has changed, and lists again only then', async () => {
    const store = new MemoryObjectStore({ clock });
    const [one, other] = [await openProcess(store, 1), await openProcess(store, 2)];
    const tags = async () => (await one.listing.tags(repository, PAGE, never)).items;
    const names = async () => (await one.listing.repositories(PAGE, never)).items;

    const both = async () => [await tags(), await names()];

    await other.journal.append(tagged('demo/app', 'a'), noGuard, never);
    // Until this process has applied the entry too, it asks the store.
    for (let asked = 0; asked < 3; asked += 1) expect(await both()).toEqual([['a'], ['demo/app']]);
    await one.journal.settled(never);
    await both();
    one.lists.length = 0;
    for (let asked = 0; asked < 3; asked += 1) expect(await both()).toEqual([['a'], ['demo/app']]);
    expect(one.lists).toEqual([]);

    await other.journal.append(tagged('demo/other', 'x'), noGuard, never);
    expect(await both()).toEqual([['a'], ['demo/app', 'demo/other']]);
    expect(one.lists).toEqual(['catalog/']);

    await other.journal.append(tagged('demo/app', 'b'), noGuard, never);
    expect(await tags()).toEqual(['a', 'b']);
    await other.journal.append({ type: 'tag.delete', repository, tag: parseTag('a') }, noGuard, never);
    expect(await tags()).toEqual(['b']);
  });

  it('does not keep that there is nothing', async () => {
    const store = new MemoryObjectStore({ clock });
    const [one, other] = [await openProcess(store, 1), await openProcess(store, 2)];
    const tags = () => one.listing.tags(repository, PAGE, never);
    await expect(tags()).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    await other.journal.append(tagged('demo/app', 'a'), noGuard, never);
    await expect(tags()).resolves.toEqual({ items: ['a'], more: false });
  });
});
