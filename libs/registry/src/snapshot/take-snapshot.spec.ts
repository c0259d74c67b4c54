import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Change, type Entry, readSnapshotPart, type SnapshotRecord, Snapshots } from '#libs/journal';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { applyEntry } from '../apply-entry.js';
import { openRegionContent, type RegionContent } from '../region-content.js';
import { takeSnapshot } from './take-snapshot.js';

const signal = new AbortController().signal;
const clock = new FakeClock();
const repositories = ['a', 'a/b'].map(parseRepositoryName);
const blobs = ['x', 'y'].map((text) => ({ digest: digestOf(text), size: 1 }));
const tags = ['one', 'two'].map(parseTag);
const contents = ['m', 'n', 'o'];

const change: fc.Arbitrary<Change> = fc
  .record({
    kind: fc.constantFrom('put', 'put', 'put', 'untag', 'delete', 'unlink'),
    repository: fc.constantFrom(...repositories),
    content: fc.constantFrom(...contents),
    tags: fc.subarray(tags),
  })
  .map(({ kind, repository, content, tags: given }): Change => {
    const digest = digestOf(content);
    // What a manifest names is in its content, and so is the same each time.
    const of = content === 'm' ? { subject: digestOf('s') } : {};
    const named = content === 'o' ? blobs : blobs.slice(0, 1);
    switch (kind) {
      case 'untag':
        return { type: 'tag.delete', repository, tag: given[0] ?? tags[0] ?? parseTag('one') };
      case 'delete':
        return { type: 'manifest.delete', repository, digest, tags, ...of };
      case 'unlink':
        return { type: 'blob.delete', repository, digest: digestOf('x') };
      default:
        return {
          ...{ type: 'manifest.put', repository, digest, mediaType: 'm', content, blobs: named },
          ...{ children: [], tags: given, ...of },
        } as Change;
    }
  });

const entriesOf = (changes: readonly Change[]): readonly Entry[] =>
  changes.map((made, index) => ({ ...made, seq: index + 1, epoch: 1, timeMs: index }));

function region(store: ObjectStore = new MemoryObjectStore({ clock })): RegionContent {
  return openRegionContent({ store, clock, random: new SeededRandom(1) });
}

async function apply(content: RegionContent, records: readonly (SnapshotRecord | Entry)[]): Promise<void> {
  for (const record of records) {
    if (!('kind' in record)) await applyEntry(content, record, signal);
    else if (record.kind === 'repository') await content.catalog.add(record.repository, signal);
    else {
      await applyEntry(content, record.entry, signal);
      if (record.kind !== 'image') continue;
      const { repository, digest } = record.entry;
      for (const { tag, seq } of record.tags) await content.tags.set(repository, tag, seq, digest, signal);
    }
  }
}

/** What a client sees, and at which place in the journal it came to be so. */
async function visible(content: RegionContent): Promise<object> {
  const seen: object[] = [];
  const { items } = await content.catalog.page({ limit: 100 }, signal);
  for (const repository of items) {
    seen.push({ repository });
    for (const tag of tags) {
      const state = await content.tags.get(repository, tag, signal);
      if (state?.value !== undefined) seen.push({ tag, ...state });
    }
    for (const text of contents) {
      const state = await content.manifests.state(repository, digestOf(text), signal);
      if (state?.value === undefined) continue;
      seen.push({ text, seq: state.seq });
      for (const { digest } of state.value.blobs) {
        seen.push({ digest, reads: await content.links.has(repository, digest, signal) });
      }
    }
    const referrers = await content.referrers.list(repository, digestOf('s'), signal);
    seen.push(referrers.map(({ digest }) => digest).toSorted());
  }
  return seen;
}

async function snapshotAt(store: ObjectStore, content: RegionContent, seq: number): Promise<readonly SnapshotRecord[]> {
  const snapshots = new Snapshots(store);
  const position = { seq, epoch: 1, timeMs: seq, chain: undefined };
  const journal = { settled: async () => position };
  const taken = await takeSnapshot({ content, journal, snapshots, random: new SeededRandom(seq), nowMs: 1 }, signal);
  const header = await snapshots.newest(signal);
  expect(header).toEqual(taken);
  const records: SnapshotRecord[] = [];
  for (const part of taken.parts) {
    const bytes = await snapshots.part(seq, part.name, signal);
    if (bytes !== undefined) records.push(...readSnapshotPart(part, bytes));
  }
  return records;
}

describe('a snapshot', () => {
  it('and the journal behind it, in any order, are the journal: also when the views were ahead', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 14 }),
        fc.nat(),
        fc.nat(),
        fc.infiniteStream(fc.nat()),
        async (changes, place, ahead, order) => {
          const entries = entriesOf(changes);
          const seq = place % (entries.length + 1);
          const applied = seq + (ahead % (entries.length - seq + 1));
          const store = new MemoryObjectStore({ clock });
          const primary = region(store);
          await apply(primary, entries.slice(0, applied));
          const records = await snapshotAt(store, primary, seq);
          await apply(primary, entries.slice(applied));

          const mixed = [...records, ...entries.slice(seq)]
            .map((item) => ({ item, rank: order.next().value }))
            .toSorted((a, b) => a.rank - b.rank);
          const replica = region();
          await apply(
            replica,
            mixed.map(({ item }) => item),
          );
          expect(await visible(replica)).toEqual(await visible(primary));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is written in parts, those with the newest images first, and an image not later than one before it', async () => {
    const store = new MemoryObjectStore({ clock });
    const content = region(store);
    const [repository] = repositories;
    if (repository === undefined) throw new Error('no repository');
    const big = 'z'.repeat(1_000_000);
    const puts = Array.from({ length: 12 }, (_, n): Change => {
      const text = `${n} ${big}`;
      const empty = { blobs: [], children: [], tags: [] };
      return { type: 'manifest.put', repository, digest: digestOf(text), mediaType: 'm', content: text, ...empty };
    });
    await apply(content, entriesOf(puts));
    const records = await snapshotAt(store, content, 12);
    const header = await new Snapshots(store).newest(signal);
    expect(header?.parts.length).toBeGreaterThan(1);
    expect(header?.parts.map(({ newestSeq }) => newestSeq)).toEqual(
      header?.parts.map(({ newestSeq }) => newestSeq).toSorted((a, b) => b - a),
    );
    expect(records.filter(({ kind }) => kind === 'image')).toHaveLength(12);
    expect(header).toMatchObject({ images: 12, bytes: 0 });
  });

  it('keeps the last two, and removes what older ones and interrupted ones left', async () => {
    const store = new MemoryObjectStore({ clock });
    const content = region(store);
    await apply(content, entriesOf([{ type: 'tag.delete', repository: parseRepositoryName('a'), tag: parseTag('t') }]));
    await content.catalog.add(parseRepositoryName('a'), signal);
    for (const seq of [1, 3, 5]) await snapshotAt(store, content, seq);
    const snapshots = new Snapshots(store);
    const part = { name: `${new SeededRandom(7).uuid()}-0`, digest: digestOf(''), size: 0, newestSeq: 0 };
    await snapshots.putPart(2, part, Buffer.from('left'), signal);
    await snapshots.removeOld(signal);
    expect(await snapshots.seqs(signal)).toEqual([3, 5]);
    const { objects } = await store.list({ prefix: 'snapshots/', limit: 100 }, signal);
    expect(objects.map(({ key }) => key.slice(0, 26))).toEqual(
      [3, 3, 5, 5].map((seq) => `snapshots/${String(seq).padStart(16, '0')}`),
    );
  });
});
