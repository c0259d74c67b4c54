import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Entry, SummaryItem } from '#libs/journal';
import { type Digest, digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { applyEntry } from '../apply-entry.js';
import { openRegionContent } from '../region-content.js';
import { KnownBuckets } from './known-buckets.js';
import { LocalSummary } from './local-summary.js';

const { signal } = new AbortController();
const HEAD = 100;

const [app, lib] = [parseRepositoryName('team/app'), parseRepositoryName('team/lib')];

function openRegion() {
  const clock = new FakeClock();
  const store = new MemoryObjectStore({ clock });
  const content = openRegionContent({ store, clock, random: new SeededRandom(1) });
  const known = new KnownBuckets(clock, 1_000);
  const options = { store, content, known, clock, objectsPerSecond: 1e12, rateBytesPerSecond: 1e12 };
  const summary = new LocalSummary({ ...options, upTo: async () => ({ seq: HEAD, epoch: 1 }) });
  const apply = async (entry: Entry): Promise<void> => {
    if (entry.type === 'manifest.put')
      for (const blob of entry.blobs) await content.blobs.ingest(blob, layer(), signal);
    await applyEntry(content, entry, signal);
    known.touch(entry);
  };
  return { clock, store, content, summary, apply };
}

const layer = () => Readable.from([Buffer.from('layer')], { objectMode: false });
const blobs = [{ digest: digestOf('layer'), size: 5 }];
const at = (seq: number) => ({ seq, epoch: 1, timeMs: seq });

function put(seq: number, name: string, tags: readonly string[], subject?: Digest, repository = app): Entry {
  const refers = subject === undefined ? {} : { subject };
  const manifest = { mediaType: 'm', content: name, digest: digestOf(name), blobs, children: [], ...refers } as const;
  return { type: 'manifest.put', repository, ...manifest, tags: tags.map(parseTag), ...at(seq) } as Entry;
}

/** Something of everything. */
const HISTORY: readonly Entry[] = [
  put(1, 'one', ['v1', 'latest']),
  put(2, 'two', ['v2', 'latest']),
  put(3, 'signature', [], digestOf('one')),
  { type: 'tag.delete', repository: app, tag: parseTag('v1'), ...at(4) },
  put(5, 'three', ['v3'], undefined, lib),
  { type: 'manifest.delete', repository: lib, digest: digestOf('three'), tags: [parseTag('v3')], ...at(6) },
  put(7, 'one', ['again']),
];

const digestNow = async ({ summary }: Pick<ReturnType<typeof openRegion>, 'summary'>, position = HEAD) =>
  (await summary.region(position, signal)).digest;

async function all<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const itemsOf = ({ summary }: ReturnType<typeof openRegion>): Promise<readonly SummaryItem[]> =>
  all(summary.items(app, undefined, signal));

describe('what a region holds, in short', () => {
  it('is the same for all that applied the same entries, in whatever order', async () => {
    const expected = openRegion();
    for (const entry of HISTORY) await expected.apply(entry);
    const digest = await digestNow(expected);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...HISTORY], { minLength: HISTORY.length }), async (order) => {
        const region = openRegion();
        for (const entry of order) await region.apply(entry);
        expect(await digestNow(region)).toBe(digest);
      }),
      { numRuns: 25 },
    );
  });

  it('differs where any entry that is still in effect is missing, and tells where', async () => {
    const whole = openRegion();
    for (const entry of HISTORY) await whole.apply(entry);
    const expected = JSON.stringify(await itemsOf(whole));
    for (const left of HISTORY) {
      const region = openRegion();
      for (const entry of HISTORY) if (entry !== left) await region.apply(entry);
      const same = (await digestNow(region)) === (await digestNow(whole));
      // What entry 1 and the two about `lib` made is void; of the deletion nothing is left but the repository's name.
      expect([left.seq, same]).toEqual([left.seq, [1].includes(left.seq)]);
      if (!same && left.seq !== 5 && left.seq !== 6) expect(JSON.stringify(await itemsOf(region))).not.toBe(expected);
    }
  });

  it('changes with every object that it is made of, whoever touches it', async () => {
    const region = openRegion();
    for (const entry of HISTORY) await region.apply(entry);
    const digest = await digestNow(region);
    const { objects } = await region.store.list({ prefix: '', limit: 1_000 }, signal);
    const tombstones: readonly string[] = [
      keys.tag(app, parseTag('v1')),
      keys.tag(lib, parseTag('v3')),
      keys.manifest(lib, digestOf('three')),
      keys.link(lib, digestOf('layer')),
    ];
    for (const { key } of objects.filter((object) => !tombstones.includes(object.key))) {
      const bytes = (await region.store.read(key, signal))?.bytes ?? new Uint8Array();
      await region.store.delete(key, signal);
      expect([key, (await digestNow({ summary: region.summary.afresh })) === digest]).toEqual([key, false]);
      await region.store.put(key, Buffer.from('nonsense'), { signal });
      const named = key.startsWith('catalog/');
      expect([key, (await digestNow({ summary: region.summary.afresh })) === digest]).toEqual([key, named]);
      await region.store.put(key, bytes, { signal });
      expect([key, await digestNow({ summary: region.summary.afresh })]).toEqual([key, digest]);
    }
  });

  it('leaves out what later entries set, and has them as items', async () => {
    const region = openRegion();
    for (const entry of HISTORY.slice(0, 3)) await region.apply(entry);
    const before = await digestNow(region, 3);
    await region.apply(put(8, 'new', ['new']));
    expect(await digestNow(region, 3)).toBe(before);
    expect(await digestNow(region, 8)).not.toBe(before);
    expect(await itemsOf(region)).toContainEqual({ kind: 'tag', tag: 'new', seq: 8, digest: digestOf('new') });
  });

  it('names the blobs that a manifest lacks, and the links', async () => {
    const region = openRegion();
    await region.apply(put(1, 'one', ['v1']));
    for (const key of [keys.blob(digestOf('layer')), keys.link(app, digestOf('layer'))]) {
      const bytes = (await region.store.read(key, signal))?.bytes ?? new Uint8Array();
      await region.store.delete(key, signal);
      expect((await itemsOf(region))[1]).toMatchObject({ kind: 'manifest', missing: [digestOf('layer')] });
      await region.store.put(key, bytes, { signal });
    }
  });

  it('tells the place of each link that an entry gave or took', async () => {
    const region = openRegion();
    await region.apply(put(1, 'one', ['v1']));
    await region.apply(put(4, 'two', []));
    const layer = digestOf('layer');
    const places = () => all(region.summary.links(app, digestOf('one'), signal));
    expect(await places()).toEqual([{ digest: layer, seq: 4, live: true }]);
    await region.content.links.remove(app, layer, 6, signal);
    expect(await places()).toEqual([{ digest: layer, seq: 6, live: false }]);
    await region.content.links.addUploaded(app, layer, 6, signal);
    expect(await places()).toEqual([]);
    await region.content.links.evict(app, layer, signal);
    expect(await places()).toEqual([]);
    expect(await all(region.summary.links(app, digestOf('none'), signal))).toEqual([]);
  });

  it('is remembered until an entry touches the repository, or for a time', async () => {
    const region = openRegion();
    await region.apply(put(1, 'one', ['v1']));
    const before = await digestNow(region);
    await region.store.delete(keys.tag(app, parseTag('v1')), signal);
    expect(await digestNow(region)).toBe(before);
    await region.apply(put(2, 'two', []));
    const touched = await digestNow(region);
    expect(touched).not.toBe(before);
    await region.store.delete(keys.manifest(app, digestOf('two')), signal);
    expect(await digestNow(region)).toBe(touched);
    await region.clock.advance(1_001);
    expect(await digestNow(region)).not.toBe(touched);
  });
});
