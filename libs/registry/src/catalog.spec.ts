import { describe, expect, it } from '@jest/globals';
import { parseRepositoryName } from '#libs/oci';
import { FakeClock } from '#libs/resilience/testing';
import { MemoryObjectStore, StorageError } from '#libs/storage';
import { Catalog } from './catalog.js';

const signal = new AbortController().signal;
const a = parseRepositoryName('a');
const b = parseRepositoryName('b/b');
const c = parseRepositoryName('b/c');
const d = parseRepositoryName('d');

/** While it is told to, nobody hears of a write, and it happens when {@link happen} says. */
class LateStore extends MemoryObjectStore {
  isLate = false;
  readonly #late: (() => Promise<unknown>)[] = [];

  override put(...request: Parameters<MemoryObjectStore['put']>): ReturnType<MemoryObjectStore['put']> {
    return this.#write(request[0], () => super.put(...request));
  }

  override delete(...request: Parameters<MemoryObjectStore['delete']>): Promise<void> {
    return this.#write(request[0], () => super.delete(...request));
  }

  async happen(): Promise<void> {
    for (const write of this.#late.splice(0)) await write().catch(() => undefined);
  }

  async #write<T>(key: string, write: () => Promise<T>): Promise<T> {
    if (!this.isLate) return write();
    this.#late.push(write);
    throw new StorageError('unavailable', { driver: this.driver, operation: 'write', key });
  }
}

async function unheard(store: LateStore, work: () => Promise<void>): Promise<void> {
  store.isLate = true;
  await expect(work()).rejects.toMatchObject({ code: 'unavailable' });
  store.isLate = false;
  await work();
}

describe('the catalog', () => {
  it('says what was added and not removed, however often', async () => {
    const catalog = new Catalog(new MemoryObjectStore({ clock: new FakeClock() }));
    for (let times = 0; times < 3; times += 1) {
      await catalog.add(a, signal);
      await catalog.add(a, signal);
      expect(await catalog.has(a, signal)).toBe(true);
      await catalog.remove(a, signal);
      await catalog.remove(a, signal);
      expect(await catalog.has(a, signal)).toBe(false);
    }
    await catalog.remove(b, signal);
    expect(await catalog.has(b, signal)).toBe(false);
  });

  it.each(['never there', 'removed before'])(
    'does not get back a name that was %s, by an addition that the store does after its removal',
    async (past) => {
      const store = new LateStore({ clock: new FakeClock() });
      const catalog = new Catalog(store);
      if (past === 'removed before') {
        await catalog.add(a, signal);
        await catalog.remove(a, signal);
      }
      store.isLate = true;
      await expect(catalog.add(a, signal)).rejects.toMatchObject({ code: 'unavailable' });
      store.isLate = false;
      await catalog.remove(a, signal);
      await store.happen();
      expect(await catalog.has(a, signal)).toBe(false);
      await catalog.add(a, signal);
      expect(await catalog.has(a, signal)).toBe(true);
    },
  );

  it.each([1, 2, 3, 10])('has whole pages of %i, whatever was removed', async (limit) => {
    const catalog = new Catalog(new MemoryObjectStore({ clock: new FakeClock() }));
    for (const repository of [d, c, b, a]) await catalog.add(repository, signal);
    await catalog.remove(b, signal);
    const names: string[] = [];
    for (let more = true; more; ) {
      const last = names.at(-1);
      const page = await catalog.page({ limit, ...(last === undefined ? {} : { last }) }, signal);
      expect(page.items).toHaveLength(Math.min(limit, 3 - names.length));
      names.push(...page.items);
      ({ more } = page);
    }
    expect(names).toEqual([a, c, d]);
  });

  it('is not changed by a removal that comes after the repository was given back', async () => {
    const store = new LateStore({ clock: new FakeClock() });
    const catalog = new Catalog(store);
    await catalog.add(a, signal);
    await unheard(store, () => catalog.remove(a, signal));
    await catalog.add(a, signal);
    await store.happen();
    expect(await catalog.has(a, signal)).toBe(true);
  });

  it('is not changed by an addition that comes after the repository was taken away', async () => {
    const store = new LateStore({ clock: new FakeClock() });
    const catalog = new Catalog(store);
    await unheard(store, () => catalog.add(a, signal));
    await catalog.remove(a, signal);
    await store.happen();
    expect(await catalog.has(a, signal)).toBe(false);
    await unheard(store, () => catalog.add(a, signal));
    await catalog.remove(a, signal);
    await store.happen();
    expect(await catalog.has(a, signal)).toBe(false);
  });
});
