import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName, RegionRules } from '#libs/geo';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { applyEntry, openRegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore, type ObjectStat, StorageError } from '#libs/storage';
import { evict } from './evict.js';

const signal = new AbortController().signal;
const app = parseRepositoryName('secret/app');
const policy = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'exclude' }] });

/** While it is slow a put is given up by whoever asked for it before it happens. */
class SlowStore extends MemoryObjectStore {
  isSlow = false;
  readonly late: (() => Promise<unknown>)[] = [];

  override async put(...args: Parameters<MemoryObjectStore['put']>): Promise<ObjectStat> {
    if (!this.isSlow) return super.put(...args);
    this.late.push(() => super.put(...args));
    throw new StorageError('unavailable', { driver: 'memory', operation: 'put', key: args[0] });
  }
}

describe('taking away what the rules keep from a region', () => {
  it('stops where other rules come: another process may be giving back what these take', async () => {
    const clock = new FakeClock();
    const content = openRegionContent({ store: new MemoryObjectStore({ clock }), clock, random: new SeededRandom(1) });
    const layer = { digest: digestOf('layer'), size: 5 };
    const [digest, mediaType] = [digestOf('image'), 'application/vnd.oci.image.manifest.v1+json'];
    const what = { type: 'manifest.put', repository: app, digest, mediaType, content: 'image' } as const;
    const place = { seq: 1, epoch: 1, timeMs: 1 };
    await applyEntry(content, { ...what, ...place, blobs: [layer], children: [], tags: [parseTag('v1')] }, signal);
    const rules = new RegionRules(policy, parseRegionName('ap'));
    const held = async () => [
      await content.links.has(app, layer.digest, signal),
      (await content.manifests.find(app, digest, signal)) !== undefined,
      (await content.tags.held(app, parseTag('v1'), signal)) !== undefined,
      await content.catalog.has(app, signal),
    ];
    for (let taken = 0; taken < 3; taken += 1) {
      let left = 1;
      const confirm = async () => {
        left -= 1;
        if (left < 0) throw new Error('other rules came');
      };
      await expect(evict(content, app, { rules, inUse: new Set(), confirm }, signal)).rejects.toThrow('other rules');
      expect(await held()).toEqual([false, true, true, true]);
    }
    await evict(content, app, { rules, inUse: new Set(), confirm: async () => undefined }, signal);
    expect(await held()).toEqual([false, false, false, false]);
  });

  it('takes away what a write brings that takes effect after it was given up', async () => {
    const clock = new FakeClock();
    const slow = new SlowStore({ clock });
    const content = openRegionContent({ store: slow, clock, random: new SeededRandom(1) });
    const tag = parseTag('v1');
    await content.tags.set(app, tag, 1, undefined, signal);
    slow.isSlow = true;
    await expect(content.tags.set(app, tag, 2, digestOf('image'), signal)).rejects.toThrow('unavailable');
    await expect(content.tags.set(app, parseTag('v2'), 2, digestOf('image'), signal)).rejects.toThrow('unavailable');
    slow.isSlow = false;
    const rules = new RegionRules(policy, parseRegionName('ap'));
    await evict(content, app, { rules, inUse: new Set(), confirm: async () => undefined }, signal);
    for (const happens of slow.late) await expect(happens()).rejects.toThrow('precondition_failed');
    expect((await content.tags.page(app, { limit: 10 }, signal)).items).toEqual([]);
  });
});
