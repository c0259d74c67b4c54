import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStat, StorageError, type StorageErrorCode } from '#libs/storage';
import { DoubtfulWrites } from './doubtful-writes.js';

const signal = new AbortController().signal;
const app = parseRepositoryName('team/app');
const tag = keys.tag(app, parseTag('v1'));
const absent = { kind: 'absent' } as const;
const bytes = (text: string) => Buffer.from(text);

class UncertainStore extends MemoryObjectStore {
  /** What fails next, and whether it happens all the same. */
  failing: { readonly code: StorageErrorCode; readonly happens: boolean } | undefined;
  asked: string[] = [];
  /** Whether a read hears only at {@link answer} what it found. */
  holdsAnswers = false;
  answer: () => void = () => undefined;

  override async read(...args: Parameters<MemoryObjectStore['read']>): ReturnType<MemoryObjectStore['read']> {
    const found = await super.read(...args);
    if (this.holdsAnswers) {
      this.holdsAnswers = false;
      await new Promise<void>((resolve) => {
        this.answer = resolve;
      });
    }
    return found;
  }

  override async put(...args: Parameters<MemoryObjectStore['put']>): Promise<ObjectStat> {
    const [key] = args;
    this.asked.push(key);
    const fault = this.failing;
    this.failing = undefined;
    if (fault === undefined) return super.put(...args);
    if (fault.happens) await super.put(...args);
    throw new StorageError(fault.code, { driver: 'memory', operation: 'put', key });
  }
}

describe('writes of which nobody heard whether they happened', () => {
  let store: UncertainStore;
  let doubtful: DoubtfulWrites;

  beforeEach(() => {
    store = new UncertainStore({ clock: new FakeClock() });
    doubtful = new DoubtfulWrites(store);
  });

  async function fail(
    key: string,
    text: string,
    fault: { readonly code?: StorageErrorCode; readonly happens?: boolean; readonly etag?: string } = {},
  ): Promise<void> {
    const { code = 'unavailable', happens = false, etag } = fault;
    store.failing = { code, happens };
    const condition = etag === undefined ? absent : ({ kind: 'matches', etag } as const);
    await expect(doubtful.put(key, bytes(text), { condition, signal })).rejects.toThrow(code);
    store.asked = [];
  }

  const text = async (key: string) => {
    const found = await store.read(key, signal);
    return found === undefined ? undefined : Buffer.from(found.bytes).toString();
  };

  it('can not happen any more once they were settled', async () => {
    const before = await store.put(tag, bytes('tombstone'), { signal });
    await fail(tag, 'v1', { etag: before.etag });
    await doubtful.settle(app, signal);
    await store.put(tag, bytes('taken away'), { signal });
    const late = store.put(tag, bytes('v1'), { condition: { kind: 'matches', etag: before.etag }, signal });
    await expect(late).rejects.toThrow('precondition_failed');
    expect(await text(tag)).toBe('taken away');
  });

  it('are settled where nothing was before, too', async () => {
    await fail(tag, 'v1');
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v1');
  });

  it('leave alone what came in their place', async () => {
    await fail(tag, 'v1', { happens: true });
    await store.put(tag, bytes('v2'), { signal });
    store.asked = [];
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v2');
    await doubtful.settle(app, signal);
    expect(store.asked).toEqual([tag]);
  });

  it('are in doubt until a try was answered', async () => {
    await fail(tag, 'v1');
    store.failing = { code: 'unavailable', happens: false };
    await expect(doubtful.settle(app, signal)).rejects.toThrow('unavailable');
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v1');
  });

  it.each<StorageErrorCode>(['throttled', 'out_of_space', 'denied'])('are not in doubt where %s', async (code) => {
    await fail(tag, 'v1', { code });
    await doubtful.settle(app, signal);
    expect(store.asked).toEqual([]);
  });

  it('are not in doubt once the same was tried again', async () => {
    await fail(tag, 'v1');
    await doubtful.put(tag, bytes('v1 anew'), { condition: absent, signal });
    store.asked = [];
    await doubtful.settle(app, signal);
    expect(store.asked).toEqual([]);
  });

  it('are not in doubt once another version was found, whether it is theirs or not', async () => {
    await fail(tag, 'v1', { happens: true });
    await doubtful.read(tag, signal);
    await doubtful.settle(app, signal);
    expect(store.asked).toEqual([]);
  });

  it('are in doubt while the version that they wait for is found', async () => {
    await fail(tag, 'v1');
    expect(await doubtful.read(tag, signal)).toBeUndefined();
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v1');
  });

  it('are in doubt where they failed after the answer that another version was there', async () => {
    const older = await store.put(tag, bytes('older'), { signal });
    store.holdsAnswers = true;
    const read = doubtful.read(tag, signal);
    const before = await store.put(tag, bytes('tombstone'), {
      condition: { kind: 'matches', etag: older.etag },
      signal,
    });
    await fail(tag, 'v1', { etag: before.etag });
    store.answer();
    await read;
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v1');
  });

  it('are in doubt while only an older version was written meanwhile', async () => {
    const before = await store.put(tag, bytes('tombstone'), { signal });
    await fail(tag, 'v1', { etag: before.etag });
    await expect(doubtful.put(tag, bytes('late'), { condition: absent, signal })).rejects.toThrow(
      'precondition_failed',
    );
    store.asked = [];
    await doubtful.settle(app, signal);
    expect(await text(tag)).toBe('v1');
  });

  it('are settled one repository at a time, whichever view they are of', async () => {
    const other = parseRepositoryName('team/app/more');
    await fail(keys.catalog(app), 'name');
    await fail(tag, 'v1');
    await fail(keys.tag(other, parseTag('v1')), 'v1');
    await fail(keys.catalog(other), 'name');
    await doubtful.settle(app, signal);
    expect(store.asked.toSorted()).toEqual([keys.catalog(app), tag].toSorted());
  });
});
