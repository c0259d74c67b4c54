import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, parseRepositoryName } from '#libs/oci';
import { FakeClock } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { type LinkKind, Links, linkKind } from './links.js';

const signal = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const digest = digestOf('a layer');

function open() {
  const store = new MemoryObjectStore({ clock: new FakeClock() });
  const links = new Links(store);
  const has = () => links.has(repository, digest, signal);
  const kind = async (): Promise<LinkKind> =>
    linkKind((await store.stat(keys.link(repository, digest), signal))?.size ?? 0);
  return { store, links, has, kind };
}

describe('the link of a repository to a blob', () => {
  it('says by its size what it is, whatever its place in the journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 ** 50 }), fc.uuid(), async (seq, cycle) => {
        const { links, kind } = open();
        await links.addUploaded(repository, digest, seq, signal);
        expect(await kind()).toBe('live');
        await links.condemn(repository, digest, cycle, signal);
        expect(await kind()).toBe('condemned');
        await links.sweep(repository, digest, { seq: seq + 1, cycle }, signal);
        expect(await kind()).toBe('ended');
      }),
    );
  });

  it('is spared by a sweep of what it was condemned for before somebody asked', async () => {
    const { links, has, kind } = open();
    await links.add(repository, digest, 3, signal);
    await links.condemn(repository, digest, 'one', signal);
    expect(await has()).toBe(true);
    expect(await kind()).toBe('live');
    await links.sweep(repository, digest, { seq: 9, cycle: 'one' }, signal);
    expect(await has()).toBe(true);
    await links.condemn(repository, digest, 'two', signal);
    await links.sweep(repository, digest, { seq: 9, cycle: 'one' }, signal);
    expect(await has()).toBe(true);
  });

  it('is revived by an upload, and ends as condemned if nobody asks', async () => {
    const { links, has } = open();
    await links.add(repository, digest, 3, signal);
    await links.condemn(repository, digest, 'one', signal);
    await links.addUploaded(repository, digest, 5, signal);
    await links.sweep(repository, digest, { seq: 9, cycle: 'one' }, signal);
    expect(await has()).toBe(true);
    await links.condemn(repository, digest, 'two', signal);
    await links.sweep(repository, digest, { seq: 10, cycle: 'two' }, signal);
    expect(await has()).toBe(false);
  });

  it.each<[string, (links: Links) => Promise<void>]>([
    ['nothing is there', async () => undefined],
    ['an older entry gave it', (links) => links.add(repository, digest, 2, signal)],
    ['a newer one gave it', (links) => links.add(repository, digest, 9, signal)],
    ['an older one ended it', (links) => links.remove(repository, digest, 2, signal)],
    ['a newer one ended it', (links) => links.remove(repository, digest, 9, signal)],
    [
      'it was condemned',
      async (links) => {
        await links.add(repository, digest, 5, signal);
        await links.condemn(repository, digest, 'one', signal);
      },
    ],
    [
      'the policy took it',
      async (links) => {
        await links.add(repository, digest, 5, signal);
        await links.evict(repository, digest, signal);
      },
    ],
  ])('comes to the same with an entry that is believed to be the first of it where %s', async (_name, before) => {
    const states = [];
    for (const likelyNew of [true, false]) {
      const { links } = open();
      await before(links);
      await links.add(repository, digest, 5, signal, likelyNew);
      states.push(await links.inspect(repository, digest, signal));
    }
    expect(states[0]).toEqual(states[1]);
  });

  describe('that was lost', () => {
    const key = keys.link(repository, digest);
    const nonsense = (store: MemoryObjectStore) => store.put(key, Buffer.from('nonsense'), { signal });

    it.each<[string, (store: MemoryObjectStore) => Promise<unknown>]>([
      ['without a trace', async () => undefined],
      ['and is nonsense now', nonsense],
    ])('%s is restored to its place by the manifest of an older entry', async (_how, harm) => {
      const { store, links, has } = open();
      await harm(store);
      expect(await links.isMissing(repository, digest, signal)).toBe(true);
      await links.restore(repository, digest, { seq: 5, live: true }, signal);
      expect([await has(), await links.isMissing(repository, digest, signal)]).toEqual([false, true]);
      await links.add(repository, digest, 2, signal);
      expect(await links.inspect(repository, digest, signal)).toEqual({ seq: 5, value: {} });
      expect(await links.isMissing(repository, digest, signal)).toBe(false);
    });

    it('stays deleted where it had ended, until a later entry gives it', async () => {
      const { links, has } = open();
      await links.restore(repository, digest, { seq: 5, live: false }, signal);
      expect(await links.isMissing(repository, digest, signal)).toBe(false);
      await links.add(repository, digest, 2, signal);
      expect(await has()).toBe(false);
      await links.add(repository, digest, 6, signal);
      expect(await has()).toBe(true);
    });

    it('is still taken by a sweep that comes after its place, and by none from before', async () => {
      for (const [seq, holds] of [
        [4, true],
        [6, false],
      ] as const) {
        const { links, has } = open();
        await links.restore(repository, digest, { seq: 5, live: true }, signal);
        await links.sweep(repository, digest, { seq, cycle: 'one' }, signal);
        await links.add(repository, digest, 2, signal);
        expect([seq, await has()]).toEqual([seq, holds]);
      }
    });

    it.each<[string, (links: Links) => Promise<unknown>]>([
      ['holds', (links) => links.add(repository, digest, 3, signal)],
      ['has ended', (links) => links.remove(repository, digest, 3, signal)],
    ])('is not restored where it %s', async (_what, before) => {
      const { links } = open();
      await before(links);
      const state = await links.inspect(repository, digest, signal);
      for (const live of [true, false]) await links.restore(repository, digest, { seq: 5, live }, signal);
      expect(await links.inspect(repository, digest, signal)).toEqual(state);
    });
  });

  it.each([
    ['the put first', [3, 9]],
    ['the sweep first', [9, 3]],
  ])('ends where it was never condemned with the entry of the sweep, %s', async (_name, order) => {
    const { links, has } = open();
    for (const seq of order) {
      if (seq === 3) await links.add(repository, digest, seq, signal);
      else await links.sweep(repository, digest, { seq, cycle: 'one' }, signal);
    }
    expect(await has()).toBe(false);
    await links.add(repository, digest, 12, signal);
    await links.sweep(repository, digest, { seq: 9, cycle: 'one' }, signal);
    expect(await has()).toBe(true);
  });
});
