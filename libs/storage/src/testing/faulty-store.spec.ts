import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { MemoryObjectStore } from '../drivers/memory/memory-object-store.js';
import { bytesOf, neverAborted, streamOf } from './contract-subject.js';
import { FaultyObjectStore, faultAt } from './faulty-store.js';
import { describeObjectStore } from './object-store.contract.js';

describeObjectStore('FaultyObjectStore without faults', async () => {
  const store = new FaultyObjectStore(new MemoryObjectStore({ clock: systemClock }));
  return { store, another: store, close: async () => undefined };
});

describe('FaultyObjectStore', () => {
  const signal = neverAborted();
  const newMemory = () => new MemoryObjectStore({ clock: systemClock });

  it('counts the calls that may change something', async () => {
    const store = new FaultyObjectStore(newMemory());
    await store.put('a', bytesOf('x'), { signal });
    await store.stat('a', signal);
    await store.write('b', streamOf('x'), { signal });
    await store.delete('a', signal);
    expect(store.calls.map(({ number, operation, key }) => [number, operation, key])).toEqual([
      [1, 'put', 'a'],
      [2, 'write', 'b'],
      [3, 'delete', 'a'],
    ]);
  });

  it('fails a call before its effect', async () => {
    const memory = newMemory();
    const store = new FaultyObjectStore(memory, faultAt(2, { kind: 'before', code: 'out_of_space' }));
    await store.put('a', bytesOf('x'), { signal });
    await expect(store.put('b', bytesOf('x'), { signal })).rejects.toMatchObject({ code: 'out_of_space' });
    await store.put('c', bytesOf('x'), { signal });
    expect((await memory.list({ prefix: '', limit: 10 }, signal)).objects.map(({ key }) => key)).toEqual(['a', 'c']);
  });

  it('loses the answer of a call that took effect', async () => {
    const memory = newMemory();
    const store = new FaultyObjectStore(memory, faultAt(1, { kind: 'after' }));
    const lost = store.put('a', bytesOf('x'), { signal });
    await expect(lost).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
    expect(await memory.stat('a', signal)).toBeDefined();
  });

  it.each([
    ['crash', undefined],
    ['crash_after', expect.anything()],
  ] as const)('lets nothing settle after a %s', async (kind, left) => {
    const memory = newMemory();
    const store = new FaultyObjectStore(memory, faultAt(1, { kind }));
    const settled: string[] = [];
    void store.put('a', bytesOf('x'), { signal }).finally(() => settled.push('put'));
    await store.crashed;
    void store.stat('a', signal).finally(() => settled.push('stat'));
    void store.put('b', bytesOf('x'), { signal }).finally(() => settled.push('second put'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toEqual([]);
    expect(await memory.stat('a', signal)).toEqual(left);
    expect(await memory.stat('b', signal)).toBeUndefined();
    expect(await new FaultyObjectStore(memory).stat('b', signal)).toBeUndefined();
  });
});
