import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Change, ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import { noGuard } from '#libs/journal/testing';
import { digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { IndexedReader } from './indexed-reader.js';
import { ReadIndex } from './read-index.js';
import { openRegionContent } from './region-content.js';
import { type RegionReader, StoreReader } from './region-reader.js';

const never = new AbortController().signal;
const [clock, repository, tag] = [new FakeClock(), parseRepositoryName('demo/app'), parseTag('v1')];
const [old, recent] = ['{"m":0}', '{"m":1}'];

/** Something happens just before the old manifest is read. */
class EventfulStore extends MemoryObjectStore {
  before: (() => Promise<unknown>) | undefined;

  override async read(...request: Parameters<MemoryObjectStore['read']>): ReturnType<MemoryObjectStore['read']> {
    const { before } = this;
    if (request[0] === keys.manifest(repository, digestOf(old))) {
      this.before = undefined;
      await before?.();
    }
    return super.read(...request);
  }
}

let store: EventfulStore;

async function openProcess() {
  const content = openRegionContent({ store, clock, random: new SeededRandom(1) });
  const reader = await ObjectStoreJournalReader.open({ store, clock }, 0, never);
  const index = new ReadIndex(clock, reader);
  const parts = { store, clock, random: new SeededRandom(2), epoch: 1, reader, onRetry: () => undefined };
  const journal = new ObjectStoreJournal({ ...parts, apply: index.applying(content) });
  const change = (what: Change) => journal.append(what, noGuard, never);
  return { content, change, indexed: new IndexedReader(content, index, journal), stored: new StoreReader(content) };
}

function put(content: string): Change {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const what = { repository, digest: digestOf(content), mediaType, content, blobs: [], children: [] };
  return { type: 'manifest.put', ...what, tags: [tag] };
}

describe('a tag that moves while it is read, away from a manifest that is deleted then', () => {
  beforeEach(() => {
    store = new EventfulStore({ clock });
  });

  it.each(['indexed', 'stored'] as const)('is never absent (%s)', async (kind) => {
    const writer = await openProcess();
    await writer.change(put(old));
    const reader: RegionReader = (await openProcess())[kind];
    store.before = async () => {
      await writer.change(put(recent));
      await writer.change({ type: 'manifest.delete', repository, digest: digestOf(old), tags: [] });
    };
    const found = await reader.manifest(repository, { kind: 'tag', tag }, never);
    expect(found).toMatchObject({ digest: digestOf(recent), tagSeq: 2 });
  });

  it.each(['indexed', 'stored'] as const)('is absent when its manifest is deleted without it (%s)', async (kind) => {
    const writer = await openProcess();
    await writer.change(put(old));
    await writer.change({ type: 'manifest.delete', repository, digest: digestOf(old), tags: [] });
    const reader: RegionReader = (await openProcess())[kind];
    expect(await reader.manifest(repository, { kind: 'tag', tag }, never)).toBeUndefined();
  });
});
