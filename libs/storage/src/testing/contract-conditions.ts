import { expect, it } from '@jest/globals';
import type { PutCondition } from '../object-store.js';
import { isStorageError } from '../storage-error.js';
import { bytesOf, neverAborted, type Subject, textOf } from './contract-subject.js';

const ABSENT: PutCondition = { kind: 'absent' };
const RACERS = 16;

export function conditionCases(subject: Subject): void {
  const signal = neverAborted();
  const put = (key: string, text: string, condition?: PutCondition) =>
    subject.store.put(key, bytesOf(text), { signal, ...(condition && { condition }) });
  const text = async (key: string) => textOf((await subject.another.read(key, signal))?.bytes);

  /** Racing writers through both instances; the texts of those that won. A conflict is told to try again, and does. */
  async function race(key: string, condition: PutCondition): Promise<string[]> {
    const stores = [subject.store, subject.another];
    const attempts = Array.from({ length: RACERS }, async (_none, at) => {
      const writer = `writer ${at}`;
      for (;;) {
        try {
          await stores[at % 2]?.put(key, bytesOf(writer), { condition, signal });
          return [writer];
        } catch (error) {
          if (isStorageError(error, 'precondition_failed')) return [];
          if (!isStorageError(error, 'conflict')) throw error;
        }
      }
    });
    return (await Promise.all(attempts)).flat();
  }

  it('creates only what is absent', async () => {
    await put('journal/1', 'first', ABSENT);
    await expect(put('journal/1', 'second', ABSENT)).rejects.toMatchObject({
      name: 'StorageError',
      code: 'precondition_failed',
      retryable: false,
      effect: 'none',
    });
    expect(await text('journal/1')).toBe('first');
  });

  it('creates again what was deleted', async () => {
    await put('k', 'first', ABSENT);
    await subject.store.delete('k', signal);
    await put('k', 'second', ABSENT);
    expect(await text('k')).toBe('second');
  });

  it('replaces only the version that it is told', async () => {
    const first = await put('k', 'first');
    const second = await put('k', 'second', { kind: 'matches', etag: first.etag });
    await expect(put('k', 'third', { kind: 'matches', etag: first.etag })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    expect(await text('k')).toBe('second');
    await put('k', 'fourth', { kind: 'matches', etag: second.etag });
    expect(await text('k')).toBe('fourth');
  });

  it('replaces nothing that is absent', async () => {
    const gone = await put('k', 'x');
    await subject.store.delete('k', signal);
    await expect(put('k', 'y', { kind: 'matches', etag: gone.etag })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    expect(await subject.store.stat('k', signal)).toBeUndefined();
  });

  it('lets exactly one of 16 racing creators win', async () => {
    for (const key of ['race/1', 'race/2', 'race/3']) {
      const winners = await race(key, ABSENT);
      expect(winners).toHaveLength(1);
      expect(await text(key)).toBe(winners[0]);
    }
  });

  it('lets exactly one of 16 racing replacements of a version win', async () => {
    for (const key of ['race/1', 'race/2', 'race/3']) {
      const { etag } = await put(key, 'start');
      const winners = await race(key, { kind: 'matches', etag });
      expect(winners).toHaveLength(1);
      expect(await text(key)).toBe(winners[0]);
    }
  });

  it('loses no increment of a counter that is read and replaced by many', async () => {
    const PER_WRITER = 5;
    await put('counter', '0');
    const stores = [subject.store, subject.another, subject.store, subject.another];
    await Promise.all(
      stores.map(async (store) => {
        for (let done = 0; done < PER_WRITER; ) {
          const read = await store.read('counter', signal);
          if (read === undefined) throw new Error('the counter is missing');
          const next = bytesOf(String(Number(textOf(read.bytes)) + 1));
          try {
            await store.put('counter', next, { condition: { kind: 'matches', etag: read.etag }, signal });
            done += 1;
          } catch (error) {
            if (!isStorageError(error, 'precondition_failed') && !isStorageError(error, 'conflict')) throw error;
          }
        }
      }),
    );
    expect(await text('counter')).toBe(String(PER_WRITER * stores.length));
  });

  it('ends with one of the values when many put, create and delete one key at once', async () => {
    const work = Array.from({ length: 12 }, async (_none, at) => {
      if (at % 4 === 3) return await subject.another.delete('k', signal);
      await put('k', `writer ${at}`);
    });
    await Promise.all(work);
    await put('k', 'last');
    expect(await text('k')).toBe('last');
  });
}
