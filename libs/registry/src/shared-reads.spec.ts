import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { settle } from '#libs/resilience/testing';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { SharedReads } from './shared-reads.js';

const never = new AbortController().signal;
const key = 'tags/demo/:a';

/** A store whose reads and stats wait until they are let go, one by one. */
function open() {
  const inner = new MemoryObjectStore({ clock: systemClock });
  const waiting: (() => void)[] = [];
  const seen: string[] = [];
  const gated = (operation: 'read' | 'stat') => {
    return async (...request: [string, AbortSignal]) => {
      seen.push(operation);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return operation === 'read' ? inner.read(...request) : inner.stat(...request);
    };
  };
  const store = new Proxy<ObjectStore>(inner, {
    get: (target, name) => {
      if (name === 'read' || name === 'stat') return gated(name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const go = async (): Promise<void> => {
    await settle();
    waiting.shift()?.();
    await settle();
  };
  return { inner, seen, go, shared: new SharedReads(store, systemClock) };
}

const put = (store: ObjectStore, text: string) => store.put(key, Buffer.from(text), { signal: never });

async function textOf(found: ReturnType<ObjectStore['read']>): Promise<string | undefined> {
  const object = await found;
  return object && Buffer.from(object.bytes).toString();
}

describe('SharedReads', () => {
  it('looks once for all who ask at the same time, but never before they asked', async () => {
    const { inner, seen, go, shared } = open();
    await put(inner, 'one');
    const first = textOf(shared.read(key, never));
    await settle();
    const others = [1, 2, 3].map(() => textOf(shared.read(key, never)));
    await go();
    await expect(first).resolves.toBe('one');
    await put(inner, 'two');
    await go();
    await go();
    await expect(Promise.all(others)).resolves.toEqual(['two', 'two', 'two']);
    expect(seen).toEqual(['read', 'stat', 'read']);
  });

  it('takes the bytes from memory while the store says that they are the same', async () => {
    const { inner, seen, go, shared } = open();
    await put(inner, 'one');
    const first = shared.read(key, never);
    await go();
    const second = shared.read(key, never);
    await go();
    expect((await second)?.bytes).toBe((await first)?.bytes);
    expect(seen).toEqual(['read', 'stat']);
  });

  it('sees that something is gone, and that it came back', async () => {
    const { inner, go, shared } = open();
    await put(inner, 'one');
    const first = shared.read(key, never);
    await go();
    await first;
    await inner.delete(key, never);
    const gone = shared.read(key, never);
    await go();
    await go();
    await expect(gone).resolves.toBeUndefined();
    await put(inner, 'two');
    const back = textOf(shared.read(key, never));
    await go();
    await expect(back).resolves.toBe('two');
  });
});
