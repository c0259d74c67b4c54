import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change, Entry } from '#libs/journal';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { applyEntry } from './apply-entry.js';
import { openRegionContent, type RegionContent } from './region-content.js';

const never = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const tags = ['a', 'b', 'c'].map(parseTag);
const contents = ['{"m":0}', '{"m":1}', '{"m":2}'];
const digests = contents.map((content) => digestOf(content));
const subject = digestOf('subject');
const blob = { digest: digestOf('blob'), size: 4 };

function open(): RegionContent {
  return openRegionContent({
    store: new MemoryObjectStore({ clock: systemClock }),
    clock: systemClock,
    random: new SeededRandom(1),
  });
}

/** What a client could see of a region, in one value. */
async function visible(content: RegionContent): Promise<unknown> {
  return {
    tags: await Promise.all(tags.map(async (tag) => (await content.tags.get(repository, tag, never))?.value)),
    listed: (await content.tags.page(repository, { limit: 100 }, never)).items,
    manifests: await Promise.all(
      digests.map(async (digest) => (await content.manifests.find(repository, digest, never)) !== undefined),
    ),
    referrers: (await content.referrers.list(repository, subject, never)).map((item) => item.digest).sort(),
    linked: await content.links.has(repository, blob.digest, never),
  };
}

async function evictAll({ tags: tagViews, manifests, referrers, links }: RegionContent): Promise<void> {
  for (const tag of tags) await tagViews.evict(repository, tag, never);
  for (const digest of digests) {
    await manifests.evict(repository, digest, never);
    await referrers.evict(repository, subject, digest, never);
  }
  await links.evict(repository, blob.digest, never);
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({
      type: fc.constant('manifest.put' as const),
      index: fc.nat(2),
      tags: fc.subarray(tags),
    })
    .map(({ index, tags: put }) => ({
      type: 'manifest.put' as const,
      repository,
      digest: digests[index] ?? subject,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      content: contents[index] ?? '',
      blobs: [blob],
      children: [],
      // What a manifest refers to is part of its content, so equal digests have equal subjects.
      ...(index > 0 ? { subject } : {}),
      tags: put,
    })),
  fc.constantFrom(...tags).map((tag) => ({ type: 'tag.delete' as const, repository, tag })),
  fc.record({ index: fc.nat(2), tags: fc.subarray(tags) }).map(({ index, tags: gone }) => ({
    type: 'manifest.delete' as const,
    repository,
    digest: digests[index] ?? subject,
    ...(index > 0 ? { subject } : {}),
    tags: gone,
  })),
  fc.constant({ type: 'blob.delete' as const, repository, digest: blob.digest }),
);

const journal = fc
  .array(change, { minLength: 1, maxLength: 10 })
  .map((changes): Entry[] => changes.map((item, index) => ({ ...item, seq: index + 1, epoch: 1, timeMs: index })));

const shuffled = journal.chain((entries) =>
  fc.record({
    entries: fc.constant(entries),
    order: fc.shuffledSubarray([...entries, ...entries], { minLength: entries.length * 2 }),
  }),
);

describe('applying entries', () => {
  it('leads to one state, in whatever order they come and however often', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ entries, order }) => {
        const inOrder = open();
        for (const entry of entries) await applyEntry(inOrder, entry, never);
        const anyhow = open();
        for (const entry of order) await applyEntry(anyhow, entry, never);
        const atOnce = open();
        await Promise.all(order.map((entry) => applyEntry(atOnce, entry, never)));

        const expected = await visible(inOrder);
        expect(await visible(anyhow)).toEqual(expected);
        expect(await visible(atOnce)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('leads to the same state when everything was evicted meanwhile and all of it is applied again', async () => {
    const cut = shuffled.chain((run) => fc.nat(run.order.length).map((at) => ({ ...run, at })));
    await fc.assert(
      fc.asyncProperty(cut, async ({ entries, order, at }) => {
        const inOrder = open();
        for (const entry of entries) await applyEntry(inOrder, entry, never);
        const evicted = open();
        for (const entry of order.slice(0, at)) await applyEntry(evicted, entry, never);
        await evictAll(evicted);
        expect(await visible(evicted)).toEqual(await visible(open()));
        for (const entry of order) await applyEntry(evicted, entry, never);
        expect(await visible(evicted)).toEqual(await visible(inOrder));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a deleted referrer away when a put is cut off in its middle and somebody else has deleted meanwhile', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const whole = openRegionContent({ store, clock: systemClock, random: new SeededRandom(1) });
    const [digest = subject] = digests;
    const entry = { ...put(), digest, subject, tags: [], seq: 1, epoch: 1, timeMs: 0 };
    const deletion = {
      type: 'manifest.delete',
      repository,
      digest,
      subject,
      tags: [],
      seq: 2,
      epoch: 1,
      timeMs: 0,
    } as const;
    // The process that puts dies as soon as its referrer is stored; by then others have applied both entries.
    let died: () => void = () => undefined;
    const death = new Promise<void>((resolve) => {
      died = resolve;
    });
    const dying: RegionContent = {
      ...whole,
      referrers: Object.assign(Object.create(whole.referrers) as RegionContent['referrers'], {
        add: async (...referrer: Parameters<RegionContent['referrers']['add']>): Promise<void> => {
          await applyEntry(whole, deletion, never);
          await whole.referrers.add(...referrer);
          died();
          await new Promise(() => undefined);
        },
      }),
    };
    void applyEntry(dying, entry, never);
    await death;
    await applyEntry(whole, entry, never);
    expect(await whole.referrers.list(repository, subject, never)).toEqual([]);
  });

  it('has nothing under way any more when it fails', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const content = openRegionContent({ store, clock: systemClock, random: new SeededRandom(1) });
    const put_ = store.put.bind(store);
    let [written, failed] = [0, false];
    store.put = async (...request) => {
      if (!request[0].startsWith('links/')) return put_(...request);
      if (!failed) {
        failed = true;
        throw new Error('the first one fails');
      }
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      written += 1;
      return put_(...request);
    };
    const [digest = subject] = digests;
    const blobs = digests.map((each) => ({ digest: each, size: 1 }));
    const entry = { ...put(), digest, blobs, tags: [], seq: 1, epoch: 1, timeMs: 0 };
    await expect(applyEntry(content, entry, never)).rejects.toThrow('the first one');
    expect(written).toBe(digests.length - 1);
  });

  it('shows a pushed manifest with all its tags', async () => {
    const content = open();
    const [digest = subject] = digests;
    await applyEntry(content, { ...put(), digest, tags, seq: 1, epoch: 1, timeMs: 0 }, never);
    expect(await visible(content)).toMatchObject({ listed: tags, tags: [digest, digest, digest], linked: true });
  });
});

function put() {
  return {
    type: 'manifest.put' as const,
    repository,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    content: contents[0] ?? '',
    blobs: [blob],
    children: [],
  };
}
