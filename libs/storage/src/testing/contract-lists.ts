import { beforeEach, describe, expect, it } from '@jest/globals';
import { compareKeys } from '../key-order.js';
import { allKeys, bytesOf, neverAborted, type Subject } from './contract-subject.js';

const keys: readonly string[] = [
  'a',
  'a/b',
  'a/b/c',
  'a-b',
  'a.b',
  'a0',
  'catalog/math',
  'catalog/math/lib',
  'catalog/math-voila',
  'catalog/z',
  'tags/n/:0.1.2',
  'tags/n/:0.1.20',
  'tags/n/:0.1.2-rc',
  'tags/n/:Latest',
  'tags/n/:latest',
  'tags/n.x/:1',
  'tags/n-x/:1',
  'u/\uff5e',
  'u/𝒳',
  `w/${'x'.repeat(255)}`,
  `w/${'x'.repeat(254)}`,
].sort(compareKeys);

export function listCases(subject: Subject): void {
  const signal = neverAborted();

  it('lists nothing in an empty store', async () => {
    expect(await subject.store.list({ prefix: '', limit: 1000 }, signal)).toEqual({ objects: [], more: false });
  });

  it.each([0, -1, 1001, 1.5, Number.NaN])('refuses a page of %p objects', async (limit) => {
    await expect(subject.store.list({ prefix: '', limit }, signal)).rejects.toMatchObject({ code: 'invalid' });
  });

  describe('of tricky keys', () => {
    beforeEach(async () => {
      await Promise.all(keys.map((key) => subject.store.put(key, bytesOf(key), { signal })));
    });

    it('is in the byte order of keys', async () => {
      expect(await allKeys(subject.another)).toEqual(keys);
    });

    it.each([1, 2, 3, 7])('is the same in pages of %i', async (limit) => {
      expect(await allKeys(subject.another, '', limit)).toEqual(keys);
    });

    it.each([
      'a',
      'a/',
      'a/b',
      'catalog/',
      'catalog/math',
      'catalog/math/',
      'tags/n',
      'tags/n/:0.1.2',
      'tags/n/:l',
      'b',
      'zzz',
    ])('has exactly the keys that begin with %j', async (prefix) => {
      const expected = keys.filter((key) => key.startsWith(prefix));
      expect(await allKeys(subject.another, prefix)).toEqual(expected);
      expect(await allKeys(subject.another, prefix, 1)).toEqual(expected);
    });

    it.each([
      ['', 'a'],
      ['', 'a/'],
      ['', 'a-b'],
      ['', 'a/b'],
      ['', 'catalog/math'],
      ['', 'catalog/m'],
      ['', 'catalog/zz'],
      ['', 'zzz'],
      ['catalog/', 'a'],
      ['catalog/', 'catalog/math'],
      ['catalog/', 'catalog/math/lib'],
      ['catalog/', 'tags'],
      ['tags/n/:', 'tags/n/:0.1.2'],
      ['tags/n/:', 'tags/n/:0.1.19'],
      ['u/', 'u/\uff5e'],
    ])('of %j after %j begins at the next key', async (prefix, startAfter) => {
      const expected = keys.filter((key) => key.startsWith(prefix) && compareKeys(key, startAfter) > 0);
      const page = await subject.another.list({ prefix, startAfter, limit: 1000 }, signal);
      expect(page.objects.map(({ key }) => key)).toEqual(expected);
      expect(page.more).toBe(false);
      const first = await subject.another.list({ prefix, startAfter, limit: 1 }, signal);
      expect(first.objects.map(({ key }) => key)).toEqual(expected.slice(0, 1));
    });

    it('shows each change at once, to everybody', async () => {
      const expected = new Set(keys);
      for (const key of ['a-c', 'catalog/new', 'catalog/math-voila']) {
        await subject.store.put(key, bytesOf('x'), { signal });
        expected.add(key);
        expect(await allKeys(subject.another)).toEqual([...expected].sort(compareKeys));
      }
      for (const key of ['a-b', 'catalog/z', 'u/𝒳', 'u/\uff5e']) {
        await subject.store.delete(key, signal);
        expected.delete(key);
        expect(await allKeys(subject.another)).toEqual([...expected].sort(compareKeys));
      }
    });
  });

  it('pages through names that begin alike, from any key on and in pages of any size', async () => {
    const alike = ['a', 'a-b', 'a.b', 'a0', 'b'];
    const tree = alike.flatMap((one) => [one, ...alike.flatMap((two) => [`${one}/${two}`, `${one}/${two}/c`])]);
    const sorted = tree.sort(compareKeys);
    await Promise.all(sorted.map((key) => subject.store.put(key, bytesOf(key), { signal })));
    for (const limit of [1, 4, 9]) {
      expect(await allKeys(subject.another, '', limit)).toEqual(sorted);
      expect(await allKeys(subject.another, 'a', limit)).toEqual(sorted.filter((key) => key.startsWith('a')));
      expect(await allKeys(subject.another, 'a/', limit)).toEqual(sorted.filter((key) => key.startsWith('a/')));
    }
  });

  it('pages through more than a thousand keys', async () => {
    const many = Array.from({ length: 1010 }, (_none, at) => `links/r/@${String(at).padStart(4, '0')}`);
    for (let at = 0; at < many.length; at += 101) {
      const some = many.slice(at, at + 101);
      await Promise.all(some.map((key) => subject.store.put(key, new Uint8Array(), { signal })));
    }
    const first = await subject.store.list({ prefix: 'links/', limit: 1000 }, signal);
    expect(first.more).toBe(true);
    expect(first.objects).toHaveLength(1000);
    expect(await allKeys(subject.another, 'links/')).toEqual(many);
    expect(await allKeys(subject.another, 'links/', 300)).toEqual(many);
  });
}
