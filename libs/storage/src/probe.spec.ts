import { describe, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from './drivers/memory/memory-object-store.js';
import type { ObjectStore, PutCondition } from './object-store.js';
import { probeConditionalWrites } from './probe.js';

const signal = new AbortController().signal;

/** A store that keeps a condition only as `check` lets it. */
function storeThat(check: (condition: PutCondition, attempt: number) => PutCondition | undefined): ObjectStore {
  const store = new MemoryObjectStore({ clock: systemClock });
  const put = store.put.bind(store);
  let attempts = 0;
  store.put = (key, bytes, { condition, signal }) => {
    attempts += 1;
    const kept = condition && check(condition, attempts);
    return put(key, bytes, { signal, ...(kept && { condition: kept }) });
  };
  return store;
}

describe('probeConditionalWrites', () => {
  it('accepts a store that keeps conditions, and leaves nothing in it', async () => {
    const store = storeThat((condition) => condition);
    await probeConditionalWrites(store, systemRandom, signal);
    expect((await store.list({ prefix: '', limit: 10 }, signal)).objects).toEqual([]);
  });

  it.each([
    ['ignores every condition', () => undefined, /8 of 8 racing writers won/],
    [
      'ignores If-None-Match',
      (condition: PutCondition) => (condition.kind === 'absent' ? undefined : condition),
      /None/,
    ],
    [
      'ignores If-Match',
      (condition: PutCondition) => (condition.kind === 'matches' ? undefined : condition),
      /If-Match/,
    ],
    [
      'lets two win now and then',
      (condition: PutCondition, attempt: number) => (attempt === 5 ? undefined : condition),
      /2 of 8/,
    ],
  ])('refuses a store that %s, and leaves nothing in it', async (_what, check, message) => {
    const store = storeThat(check);
    await expect(probeConditionalWrites(store, systemRandom, signal)).rejects.toThrow(message);
    expect((await store.list({ prefix: '', limit: 10 }, signal)).objects).toEqual([]);
  });
});
