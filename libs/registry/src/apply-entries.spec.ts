import { describe, expect, it } from '@jest/globals';
import type { Change, Entry } from '#libs/journal';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { applyEntries } from './apply-entries.js';
import { openRegionContent } from './region-content.js';

const never = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const tag = parseTag('latest');

const put = (text: string): Change => ({
  ...{ type: 'manifest.put', repository, digest: digestOf(text), content: text, tags: [tag], children: [] },
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  blobs: [{ digest: digestOf(`layer of ${text}`), size: 4 }],
});

const remove = (text: string): Change => ({
  ...{ type: 'manifest.delete', repository, digest: digestOf(text), tags: [tag] },
});

/** Applies them on a store that tells how many of its calls run at the same time. */
async function applied(changes: readonly Change[]) {
  const store = new MemoryObjectStore({ clock: systemClock });
  let [running, most] = [0, 0];
  const counted = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...question: unknown[]) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        return value.apply(target, question);
      };
    },
  });
  const content = openRegionContent({ store: counted, clock: systemClock, random: new SeededRandom(1) });
  async function* entries(): AsyncGenerator<Entry> {
    for (const [at, change] of changes.entries()) yield { ...change, seq: at + 1, epoch: 1, timeMs: at };
  }
  await applyEntries(content, entries(), never);
  const shown = (await content.tags.get(repository, tag, never))?.value;
  const found = async (text: string) => (await content.manifests.find(repository, digestOf(text), never)) !== undefined;
  return { most, shown, found };
}

describe('applying what was left behind', () => {
  it('takes many puts at a time, and no more than the store can do with', async () => {
    const { most, shown, found } = await applied(Array.from({ length: 100 }, (_none, at) => put(`image ${at}`)));
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(100);
    expect(shown).toBe(digestOf('image 99'));
    for (const text of ['image 0', 'image 31', 'image 32', 'image 99']) expect(await found(text)).toBe(true);
  });

  it.each<[string, readonly Change[], string | undefined, boolean]>([
    ['a put and its deletion', [put('a'), remove('a')], undefined, false],
    ['a deletion and a put of the same', [put('a'), remove('a'), put('a')], 'a', true],
    ['puts of one tag', [put('b'), put('a')], 'a', true],
    ['nothing', [], undefined, false],
  ])('comes to the same end as one after the other: %s', async (_what, changes, shown, there) => {
    const end = await applied(changes);
    expect(end.shown).toBe(shown === undefined ? undefined : digestOf(shown));
    expect(await end.found('a')).toBe(there);
  });
});
