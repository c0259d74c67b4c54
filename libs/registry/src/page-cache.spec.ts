import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import type { Page, PageRequest } from './listing.js';
import { PageCache } from './page-cache.js';

const LIST = 'tags/demo/:';
const FIRST: PageRequest = { limit: 10 };
const confirmed = () => Promise.resolve();

function pageOf(...items: readonly string[]): Page<string> {
  return { items, more: false };
}

describe('PageCache', () => {
  let cache: PageCache;
  let loads: number;

  beforeEach(() => {
    cache = new PageCache(new FakeClock());
    loads = 0;
  });

  /** Asks for a page that the store would answer with `items`. */
  function get(items: readonly string[], request = FIRST, confirm: () => Promise<unknown> = confirmed) {
    return cache.get(LIST, request, confirm, async () => {
      loads += 1;
      return pageOf(...items);
    });
  }

  it('reads a page once, as long as no entry touches its list', async () => {
    await get(['a']);
    cache.touch('tags/other/:', 5);
    await expect(get(['never asked'])).resolves.toEqual(pageOf('a'));
    expect(loads).toBe(1);
  });

  it('keeps pages apart that begin elsewhere or are of another length', async () => {
    await get(['a']);
    await expect(get(['b'], { limit: 10, last: 'a' })).resolves.toEqual(pageOf('b'));
    await expect(get(['c'], { limit: 2 })).resolves.toEqual(pageOf('c'));
    await expect(get(['d'], { limit: 1, last: '0 a' })).resolves.toEqual(pageOf('d'));
    await expect(get(['e'], { limit: 10, last: 'a' })).resolves.toEqual(pageOf('b'));
  });

  it('reads again once an entry has touched the list', async () => {
    await get(['a']);
    cache.touch(LIST, 1);
    cache.applied(LIST, 1);
    await expect(get(['a', 'b'])).resolves.toEqual(pageOf('a', 'b'));
    await expect(get(['never asked'])).resolves.toEqual(pageOf('a', 'b'));
  });

  it('reads again when the look at the journal brings an entry', async () => {
    await get(['a']);
    const found = async () => cache.touch(LIST, 1);
    await expect(get(['a', 'b'], FIRST, found)).resolves.toEqual(pageOf('a', 'b'));
  });

  it('keeps nothing that was read while an entry was known and not applied', async () => {
    cache.touch(LIST, 1);
    await get(['old']);
    cache.applied(LIST, 1);
    await expect(get(['new'])).resolves.toEqual(pageOf('new'));
  });

  it('keeps nothing that was being read when an entry came', async () => {
    let resolve: (page: Page<string>) => void = () => undefined;
    const promise = new Promise<Page<string>>((settle) => {
      resolve = settle;
    });
    const reading = cache.get(LIST, FIRST, confirmed, () => promise);
    await Promise.resolve();
    cache.touch(LIST, 1);
    cache.applied(LIST, 1);
    resolve(pageOf('old'));
    await expect(reading).resolves.toEqual(pageOf('old'));
    await expect(get(['new'])).resolves.toEqual(pageOf('new'));
  });

  it('keeps nothing of a list that could not be read', async () => {
    const refused = new Error('nothing of that name');
    await expect(cache.get(LIST, FIRST, confirmed, () => Promise.reject(refused))).rejects.toBe(refused);
    await expect(get(['a'])).resolves.toEqual(pageOf('a'));
  });
});
