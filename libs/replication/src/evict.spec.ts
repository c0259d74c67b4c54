import { describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName, RegionRules } from '#libs/geo';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { applyEntry, openRegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { evict } from './evict.js';

const signal = new AbortController().signal;
const app = parseRepositoryName('secret/app');
const policy = parsePolicy({ rules: [{ regions: ['ap'], repositories: 'secret/**', action: 'exclude' }] });

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
});
