import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '#libs/resilience/testing';
import { SeqCache } from './seq-cache.js';
import type { Sequenced } from './seq-register.js';

const key = 'tags/demo/:a';

function open(options: { readonly maxBytes?: number; readonly maxAgeMs?: number } = {}) {
  const clock = new FakeClock();
  const cache = new SeqCache<string>({ clock, maxBytes: 1_000_000, bytesOf: (value) => value.length, ...options });
  /** Fills the key with what was read at `seq`; `meanwhile` happens while the read is on its way. */
  const fill = (seq: number, value: string | undefined, meanwhile: () => void = () => undefined) =>
    cache.fill(key, async (): Promise<Sequenced<string> | undefined> => {
      meanwhile();
      return { seq, value };
    });
  return { cache, clock, fill };
}

describe('SeqCache', () => {
  it('keeps what was read', async () => {
    const { cache, fill } = open();
    await expect(fill(3, 'x')).resolves.toBe('x');
    expect(cache.get(key)).toBe('x');
  });

  it.each([
    ['nothing was ever there', () => Promise.resolve(undefined)],
    ['it was deleted', () => Promise.resolve({ seq: 3, value: undefined })],
  ])('does not keep that %s', async (_, load) => {
    const { cache } = open();
    await expect(cache.fill(key, load)).resolves.toBeUndefined();
    expect(cache.get(key)).toBeUndefined();
  });

  it('forgets what an entry changes, and keeps what the entry itself brought', async () => {
    const { cache, fill } = open();
    await fill(3, 'x');
    cache.touch(key, 3);
    expect(cache.get(key)).toBe('x');
    cache.touch(key, 4);
    expect(cache.get(key)).toBeUndefined();
  });

  it('answers with a view that an entry has not reached yet, and does not keep it', async () => {
    const { cache, fill } = open();
    cache.touch(key, 4);
    await expect(fill(3, 'old')).resolves.toBe('old');
    expect(cache.get(key)).toBeUndefined();
    await fill(4, 'new');
    expect(cache.get(key)).toBe('new');
  });

  it('does not keep what was read before an entry was known and came after it was applied', async () => {
    const { cache, fill } = open();
    await fill(3, 'old', () => {
      cache.touch(key, 4);
      cache.applied(key, 4);
    });
    expect(cache.get(key)).toBeUndefined();
  });

  it('keeps what is newer than any entry known here', async () => {
    const { cache, fill } = open();
    await fill(9, 'new', () => cache.touch(key, 8));
    cache.touch(key, 9);
    expect(cache.get(key)).toBe('new');
  });

  it('waits for the newest of several entries to be applied', async () => {
    const { cache, fill } = open();
    cache.touch(key, 4);
    cache.touch(key, 5);
    cache.applied(key, 4);
    await fill(4, 'older');
    expect(cache.get(key)).toBeUndefined();
  });

  it('reads again what has grown old', async () => {
    const { cache, clock, fill } = open({ maxAgeMs: 1_000 });
    await fill(3, 'x');
    await clock.advance(1_000);
    expect(cache.get(key)).toBe('x');
    await clock.advance(1);
    expect(cache.get(key)).toBeUndefined();
  });

  it('counts the age from when the read began', async () => {
    const { cache, clock } = open({ maxAgeMs: 1_000 });
    await cache.fill(key, async () => {
      await clock.advance(1_001);
      return { seq: 3, value: 'x' };
    });
    expect(cache.get(key)).toBeUndefined();
  });

  it('holds no more than it may, and drops what was not used for longest', async () => {
    const { cache } = open({ maxBytes: 10_000 });
    const load = async () => ({ seq: 1, value: 'x'.repeat(1_000) });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await cache.fill(name, load);
      expect(cache.get('a')).toBeDefined();
    }
    for (let index = 0; index < 100; index += 1) await cache.fill(`more-${index}`, load);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('more-99')).toBeDefined();
    await cache.fill('whole', async () => ({ seq: 1, value: 'x'.repeat(20_000) }));
    expect(cache.get('whole')).toBeUndefined();
    expect(cache.get('more-99')).toBeDefined();
  });
});
