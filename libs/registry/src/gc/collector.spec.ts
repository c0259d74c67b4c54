import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf, parseRepositoryName } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore, StorageError } from '#libs/storage';
import { FaultyObjectStore } from '#libs/storage/testing';
import { CopyStates } from '../copy-state.js';
import { APP, GRACE_MS, openCollectedRegion, remains, testImage } from './testing/collected-region.js';

const signal = new AbortController().signal;
const OTHER = parseRepositoryName('demo/other');
const kept = testImage('kept', 'shared layer', 'own layer');
const left = testImage('left', 'shared layer', 'layer that goes');

type Region = Awaited<ReturnType<typeof openCollectedRegion>>;

let clock: FakeClock;
let store: MemoryObjectStore;
let region: Region;
let serial = 0;

async function open(on: ObjectStore = store): Promise<Region> {
  serial += 1;
  return openCollectedRegion(on, { clock, random: new SeededRandom(serial), signal });
}

async function twoCycles({ collector }: Region = region) {
  const first = await collector.runCycle(signal);
  await clock.advance(GRACE_MS);
  const second = await collector.runCycle(signal);
  return [first, second] as const;
}

function removal({ digest }: typeof left, { push }: Region = region) {
  return push.deleteManifest(APP, { kind: 'digest', digest }, signal);
}

beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryObjectStore({ clock });
  region = await open();
});

describe('a collection', () => {
  it('takes what a deleted manifest leaves behind, in the second cycle, and nothing else', async () => {
    await region.pushImage(kept, 'v1');
    await region.pushImage(left, 'v2');
    await removal(left);
    const [first, second] = await twoCycles();
    expect(first.kinds.blobs).toMatchObject({ condemned: 2, removed: 0 });
    expect(second.kinds.blobs).toMatchObject({ condemned: 0, removed: 2, removedBytes: 29 });
    expect(await region.broken(kept)).toEqual([]);
    expect(await store.list({ prefix: keys.dataPrefix, limit: 10 }, signal)).toMatchObject({ objects: { length: 3 } });
    await removal(kept);
    await twoCycles();
    expect(await remains(store, signal)).toEqual([]);
  });

  it('takes nothing before the grace time is over', async () => {
    await region.upload('abandoned');
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS - 1);
    expect(await region.collector.runCycle(signal)).toMatchObject({ kinds: { blobs: { removed: 0 } } });
    expect(await region.pull.blob(APP, digestOf('abandoned'), signal)).toBeDefined();
  });

  it('leaves alone what somebody was told is here since', async () => {
    await region.upload('abandoned');
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS);
    expect(await region.pull.blob(APP, digestOf('abandoned'), signal)).toBeDefined();
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS - 1);
    await region.uploads.mount(OTHER, digestOf('abandoned'), APP, signal);
    await region.collector.runCycle(signal);
    expect(await region.pull.blob(OTHER, digestOf('abandoned'), signal)).toBeDefined();
  });

  it('says in a dry run what would go, and touches nothing', async () => {
    await region.upload('abandoned');
    await region.collector.runCycle(signal, { dryRun: true, force: false });
    await clock.advance(GRACE_MS);
    const report = await region.collector.runCycle(signal, { dryRun: true, force: false });
    expect(report.kinds.blobs).toEqual({ condemned: 1, condemnedBytes: 9, removed: 0, removedBytes: 0 });
    expect(report.kinds.links).toMatchObject({ condemned: 1 });
  });

  it('gives a manifest that was put while it swept the blobs that it names, or refuses it', async () => {
    await region.pushImage(left, 'v1');
    await removal(left);
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS);
    const other = await open();
    const [put] = await Promise.allSettled([other.putManifest(left, 'v2'), region.collector.runCycle(signal)]);
    if (put.status === 'fulfilled') expect(await other.broken(left)).toEqual([]);
    else expect(put.reason).toMatchObject({ code: 'MANIFEST_BLOB_UNKNOWN' });
  });

  it.each([
    ['a page of manifests', (n: number) => ({ list: n })],
    ['a manifest', (n: number) => ({ read: n })],
  ])('takes nothing when %s cannot be read, whichever', async (_name, which) => {
    for (let index = 0; index < 4; index += 1)
      await region.pushImage(testImage(`image ${index}`, `layer ${index}`), 'v1');
    await removal(testImage('image 0', 'layer 0'));
    await region.collector.runCycle(signal);
    await clock.advance(GRACE_MS);
    const before = await remains(store, signal);
    const { list: failedList, read: failedRead } = { list: 0, read: 0, ...which(2) };
    const fragile = failing(store);
    const fails = await open(fragile.store);
    fragile.failAt(failedList === 0 ? 0 : 1, failedRead);
    await expect(fails.collector.runCycle(signal)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await remains(store, signal)).toEqual(before);
  });

  it('never makes a quarantined blob live again: needed it stays, with its bytes; unneeded it goes after the grace time', async () => {
    await region.pushImage(kept, 'v1');
    await region.upload('abandoned');
    for (const digest of [digestOf('own layer'), digestOf('abandoned')]) {
      const record = await region.content.blobs.stat(digest, signal);
      if (record === undefined) throw new Error('there is no record');
      await region.content.blobs.quarantine({ ...record, reason: 'a test' }, signal);
    }
    const state = async (text: string) =>
      (await region.content.blobs.records.inspect(digestOf(text), signal))?.header.state;
    await region.collector.runCycle(signal);
    expect(await state('abandoned')).toBe('quarantined');
    await clock.advance(GRACE_MS);
    expect(await region.collector.runCycle(signal)).toMatchObject({ kinds: { blobs: { removed: 1 } } });
    expect([await state('abandoned'), await state('own layer')]).toEqual(['gone', 'quarantined']);
    const before = (await store.list({ prefix: keys.dataPrefix, limit: 10 }, signal)).objects.length;
    await region.upload('own layer');
    await twoCycles();
    // Repaired: the bytes that were wrong are nobody's any more.
    expect((await store.list({ prefix: keys.dataPrefix, limit: 10 }, signal)).objects).toHaveLength(before);
    expect(await region.broken(kept)).toEqual([]);
  });

  it('is not begun twice', async () => {
    const [first, second] = await Promise.allSettled([
      region.collector.runCycle(signal),
      (await open()).collector.runCycle(signal),
    ]);
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('leaves alone the bytes of a copy that is under way, and ends one that nobody goes on with', async () => {
    const multipart = await store.multipart.begin('data/copied', signal);
    await store.put('data/whole', Buffer.from('copied'), { signal });
    const state = { data: 'data/whole', multipart, partBytes: 8, parts: [], claim: { worker: 'w', untilMs: 0 } };
    await store.put(keys.copy(digestOf('copied')), Buffer.from(JSON.stringify(state)), { signal });
    await twoCycles();
    expect(await store.stat('data/whole', signal)).toBeDefined();
    await clock.advance(60_000);
    await twoCycles();
    expect(await store.multipart.listUploads('', signal)).toEqual([]);
    await twoCycles();
    expect(await remains(store, signal)).toEqual([]);
  });

  it('ends uploads that nothing comes for, and data that nothing names', async () => {
    const { id } = await region.uploads.begin(APP);
    await region.uploads.append(APP, id, { body: Readable.from([Buffer.from('begun')]) }, signal);
    await store.put('data/orphan', Buffer.from('orphan'), { signal });
    await clock.advance(60_000);
    await twoCycles();
    // Its id is as good as on the day it was given out, for as long as it is young: the bytes are gone.
    expect((await region.uploads.status(APP, id, signal)).offset).toBe(0);
    expect(await remains(store, signal)).toEqual([]);
  });
});

describe('a collection meets a copy that is under way', () => {
  const wanted = digestOf('on its way');

  /** Its object is complete, and nobody has given it its digest yet. */
  async function beginCopy(): Promise<void> {
    const multipart = await store.multipart.begin('data/copied', signal);
    const part = await store.multipart.writePart(
      multipart,
      { number: 1, offset: 0, size: 4 },
      Buffer.from('text'),
      signal,
    );
    await store.multipart.complete(multipart, [part], signal);
    const claim = { worker: 'w', untilMs: 0 };
    await new CopyStates(store).write(
      wanted,
      undefined,
      { data: 'data/copied', multipart, partBytes: 4, parts: [part], claim },
      signal,
    );
  }

  it('and leaves its bytes alone', async () => {
    await beginCopy();
    await clock.advance(GRACE_MS * 2);
    await twoCycles();
    expect(await store.stat('data/copied', signal)).toBeDefined();
    expect(await store.stat(keys.copy(wanted), signal)).toBeDefined();
  });

  it('and takes them when nobody went on with it for long', async () => {
    await beginCopy();
    await clock.advance(60_000);
    await twoCycles();
    await twoCycles();
    expect(await store.stat('data/copied', signal)).toBeUndefined();
    expect(await store.stat(keys.copy(wanted), signal)).toBeUndefined();
  });
});

describe('a collection that is interrupted', () => {
  it.each(['crash', 'crash_after'] as const)('at any of its writes (%s) can be run again', async (kind) => {
    for (let [number, writes] = [1, 1]; number <= writes; number += 1) {
      clock = new FakeClock();
      store = new MemoryObjectStore({ clock });
      region = await open();
      await region.pushImage(kept, 'v1');
      await region.pushImage(left, 'v2');
      await removal(left);
      await store.put('data/orphan', Buffer.from('orphan'), { signal });
      let opened = Number.POSITIVE_INFINITY;
      const dying = new FaultyObjectStore(store, (call) =>
        call.number === opened + number ? { kind } : { kind: 'none' },
      );
      const first = await open(dying);
      opened = dying.calls.length;
      await Promise.race([twoCycles(first), dying.crashed]);
      writes = Math.max(writes, dying.calls.length - opened);
      // Long enough for the lease of the dead to end.
      await clock.advance(120_000);
      const again = await open();
      expect(await again.broken(kept)).toEqual([]);
      await twoCycles(again);
      await twoCycles(again);
      expect(await again.broken(kept)).toEqual([]);
      await removal(kept, again);
      await twoCycles(again);
      expect(await remains(store, signal)).toEqual([]);
    }
  });
});

/** Fails the nth list and the nth read of manifests; 0 is none. */
function failing(inner: ObjectStore) {
  const left = { list: 0, read: 0 };
  const fail = (operation: 'list' | 'read', key: string): void => {
    if (!key.startsWith(keys.manifestPrefix)) return;
    left[operation] -= 1;
    if (left[operation] === 0) throw new StorageError('unavailable', { driver: 'test', operation, key });
  };
  const proxy = new Proxy(inner, {
    get: (target, name) => {
      if (name === 'list') {
        return async (request: Parameters<ObjectStore['list']>[0], inside: AbortSignal) => {
          fail('list', request.prefix);
          return target.list(request, inside);
        };
      }
      if (name === 'read') {
        return async (key: string, inside: AbortSignal, max?: number) => {
          fail('read', key);
          return target.read(key, inside, max);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const failAt = (list: number, read: number): void => {
    Object.assign(left, { list, read });
  };
  return { store: proxy, failAt };
}
