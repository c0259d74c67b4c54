import { beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { Tags } from './tags.js';

const signal = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const [first, second] = [digestOf('first'), digestOf('second')];

class CountingStore extends MemoryObjectStore {
  reads = 0;
  puts = 0;

  override read(...request: Parameters<MemoryObjectStore['read']>): ReturnType<MemoryObjectStore['read']> {
    this.reads += 1;
    return super.read(...request);
  }

  override put(...request: Parameters<MemoryObjectStore['put']>): ReturnType<MemoryObjectStore['put']> {
    this.puts += 1;
    return super.put(...request);
  }
}

describe('Tags', () => {
  let store: CountingStore;
  let tags: Tags;
  const at = async (tag: string) => tags.get(repository, parseTag(tag), signal);
  const set = (tag: string, seq: number, digest = first) => tags.set(repository, parseTag(tag), seq, digest, signal);

  beforeEach(() => {
    store = new CountingStore({ clock: new FakeClock() });
    tags = new Tags(store);
  });

  it('sets names that were never seen without a look, once one of them was new', async () => {
    for (let build = 1; build <= 10; build += 1) await set(`build-${build}`, build);
    expect([store.reads, store.puts]).toEqual([1, 10]);
    expect(await at('build-10')).toEqual({ seq: 10, value: first });
  });

  it('looks at a name that it has set before', async () => {
    await set('latest', 1);
    await set('latest', 3, second);
    await set('latest', 2);
    expect(await at('latest')).toEqual({ seq: 3, value: second });
    expect(store.puts).toBe(2);
  });

  it('comes to the same where its guess was wrong', async () => {
    const other = new Tags(store);
    await other.set(repository, parseTag('v1'), 7, second, signal);
    await other.set(repository, parseTag('v2'), 2, second, signal);
    await set('new', 1);
    await set('v1', 5);
    await set('v2', 6);
    expect(await at('v1')).toEqual({ seq: 7, value: second });
    expect(await at('v2')).toEqual({ seq: 6, value: first });
  });
});
