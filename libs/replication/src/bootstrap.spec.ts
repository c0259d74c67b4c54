import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { moveJournalStart } from '#libs/journal';
import { type Digest, digestOf, parseTag } from '#libs/oci';
import { applyEntry, openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import { Replicator } from './replicator.js';
import { MemoryPrimary, repository } from './testing/memory-primary.js';
import { PrimaryLink } from './testing/primary-link.js';

const signal = new AbortController().signal;

/** Counts what is asked of it, by the kind of the key. */
class CountingStore extends MemoryObjectStore {
  readonly reads = new Map<string, number>();

  override read(...request: Parameters<MemoryObjectStore['read']>): ReturnType<MemoryObjectStore['read']> {
    const [kind = ''] = request[0].split('/');
    this.reads.set(kind, (this.reads.get(kind) ?? 0) + 1);
    return super.read(...request);
  }
}

describe('a region that fills itself from a snapshot', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: CountingStore;
  let replica: RegionContent;
  let processes = 0;
  const running: Replicator[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new CountingStore({ clock });
    replica = openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });
  });

  afterEach(async () => {
    for (const replicator of running.splice(0)) await stop(replicator);
    await passing(primary.close());
  });

  async function start(): Promise<Replicator> {
    processes += 1;
    const random = new SeededRandom(processes);
    const onBytes = () => undefined;
    const copier = new Copier({
      ...{ store: bucket, blobs: replica.blobs, sources: [link.client], scratch: new MemoryCopyScratch() },
      ...{ onBytes, clock, random },
    });
    const replicator = new Replicator({
      region: link.region,
      source: link,
      content: replica,
      queue: new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random }),
      copy: (job, copying) => copier.copy(job, copying),
      copyConcurrency: 4,
      progress: new ProgressStore({ store: bucket, random }),
      clock,
      random,
      windowEntries: 100,
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
    });
    running.push(replicator);
    await replicator.start(signal);
    return replicator;
  }

  async function passing(ending: Promise<unknown>): Promise<void> {
    let ended = false;
    ending.finally(() => {
      ended = true;
    });
    for (let turn = 0; turn < 200 && !ended; turn += 1) await clock.advance(100);
  }

  const stop = (replicator: Replicator) => passing(replicator.stop(1_000));

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < 60_000; waited += 50) {
      if (await condition()) return;
      await clock.advance(50);
    }
    throw new Error('it never came to be');
  }

  const caughtUp = (replicator: Replicator) => until(() => replicator.progress().watermark === primary.reader.head.seq);

  /** Removes the journal's batches up to an entry, as one entry per batch makes simple. */
  async function cutOff(seq: number): Promise<void> {
    await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
    for (let gone = 1; gone <= seq; gone += 1) await primary.store.delete(keys.journalBatch(gone), signal);
  }

  const tagged = async (content: RegionContent, tag: string) =>
    (await content.tags.get(repository, parseTag(tag), signal))?.value;

  const manifest = (content: RegionContent, digest: Digest) => content.manifests.find(repository, digest, signal);

  /** Ten images, a deleted one, a moved tag, an index. */
  async function history(): Promise<{
    readonly index: Digest;
    readonly gone: Digest;
    readonly images: readonly Digest[];
  }> {
    const shared = await primary.blob('shared');
    const images: Digest[] = [];
    for (let n = 0; n < 10; n += 1)
      images.push(await primary.image(`${n}`, [shared, await primary.blob(`own ${n}`)], `v${n}`));
    const gone = await primary.image('gone', [shared], 'gone');
    await primary.deleteManifest(gone, 'gone');
    await primary.image('0', [shared, await primary.blob('own 0')], 'latest');
    const index = await primary.index('all', images.slice(0, 3), 'all');
    return { index, gone, images };
  }

  async function expectSame(): Promise<void> {
    for (const digest of await digestsOf(primary.content)) {
      expect((await manifest(replica, digest))?.content).toEqual((await manifest(primary.content, digest))?.content);
    }
    const [here, there] = [await tagsOf(replica), await tagsOf(primary.content)];
    expect(here).toEqual(there);
  }

  async function digestsOf(content: RegionContent): Promise<readonly Digest[]> {
    const found: Digest[] = [];
    for await (const page of content.manifests.digests(repository, signal)) found.push(...page);
    return found;
  }

  async function tagsOf(content: RegionContent): Promise<object> {
    const { items } = await content.tags.page(repository, { limit: 1_000 }, signal);
    return Promise.all(items.map(async (tag) => [tag, await tagged(content, tag)]));
  }

  it('begins without the journal that the snapshot stands for, and follows what comes after it', async () => {
    const { index, gone } = await history();
    const { position } = await primary.snapshot();
    await cutOff(position.seq - 1);
    await primary.image('later', [await primary.blob('later')], 'later');
    const replicator = await start();
    await caughtUp(replicator);
    await expectSame();
    expect(await tagged(replica, 'all')).toBe(index);
    expect(await manifest(replica, gone)).toBeUndefined();
    expect(replicator.progress().bootstrap).toBeUndefined();
    expect(new Set(link.opened).size).toBe(link.opened.length);
  });

  it('looks once for what an image needs, and not for what it found or copied a moment ago', async () => {
    const shared = await primary.blob('shared');
    for (let n = 0; n < 20; n += 1) await primary.image(`${n}`, [shared, await primary.blob(`own ${n}`)], `v${n}`);
    await primary.snapshot();
    await caughtUp(await start());
    await expectSame();
    expect(bucket.reads.get('blobs')).toBeLessThanOrEqual(2 * 20);
    // Whether it was deleted since, for something was missing.
    expect(bucket.reads.get('manifests')).toBeLessThanOrEqual(20 + 20);
  });

  it('goes on with what is pushed meanwhile, and says how far it is', async () => {
    await history();
    await primary.snapshot();
    for (const digest of await digestsOf(primary.content)) {
      for (const blob of (await manifest(primary.content, digest))?.blobs ?? []) link.withheld.add(blob.digest);
    }
    const replicator = await start();
    const pushed = await primary.image('live', [await primary.blob('live')], 'live');
    await until(async () => (await tagged(replica, 'live')) === pushed);
    const { watermark, bootstrap, oldestPendingMs } = replicator.progress();
    expect(watermark).toBe(0);
    expect(oldestPendingMs).toBeDefined();
    expect(replicator.progress().settled).toBeUndefined();
    expect(bootstrap).toMatchObject({ tail: primary.reader.head.seq, images: { done: 0, total: 11 } });
    link.withheld.clear();
    await until(() => replicator.progress().watermark === primary.reader.head.seq);
    await expectSame();
  });

  it('shows an index that is pushed meanwhile only with a child that the snapshot brings', async () => {
    const { images } = await history();
    await primary.snapshot();
    const [child] = images.slice(5);
    if (child === undefined) throw new Error('no image');
    const blobs = (await manifest(primary.content, child))?.blobs ?? [];
    for (const blob of blobs) link.withheld.add(blob.digest);
    const replicator = await start();
    await primary.index('late', [child], 'late');
    await until(() => replicator.progress().bootstrap?.tail === primary.reader.head.seq - 1);
    expect(await tagged(replica, 'late')).toBeUndefined();
    link.withheld.clear();
    await caughtUp(replicator);
    await expectSame();
  });

  it('goes on after it was stopped in the middle, and with a later snapshot', async () => {
    const { images } = await history();
    await primary.snapshot();
    const [last] = images.slice(-1);
    const blobs = last === undefined ? [] : ((await manifest(primary.content, last))?.blobs ?? []);
    for (const blob of blobs.slice(1)) link.withheld.add(blob.digest);
    const first = await start();
    await until(() => first.progress().bootstrap !== undefined);
    await clock.advance(1_000);
    await stop(first);
    await primary.image('later', [await primary.blob('later')], 'later');
    const { position } = await primary.snapshot();
    await cutOff(position.seq - 1);
    link.withheld.clear();
    const copied = link.opened.length;
    expect(copied).toBeGreaterThan(0);
    await caughtUp(await start());
    await expectSame();
    expect(new Set(link.opened).size).toBe(link.opened.length);
  });

  it('loses what was deleted by entries that nobody has any more', async () => {
    const { images } = await history();
    const first = await start();
    await caughtUp(first);
    await stop(first);
    const [old] = images;
    if (old === undefined) throw new Error('no image');
    await primary.deleteManifest(old, 'v0', 'latest');
    await primary.image('new', [await primary.blob('new')], 'v1');
    const { position } = await primary.snapshot();
    await primary.image('newer', [await primary.blob('newer')], 'v2');
    await cutOff(position.seq);
    const second = await start();
    await caughtUp(second);
    expect(await manifest(replica, old)).toBeUndefined();
    await expectSame();
  });

  it('asks again for a snapshot that the primary could not name when the journal was cut', async () => {
    await history();
    const first = await start();
    await caughtUp(first);
    await stop(first);
    await primary.image('new', [await primary.blob('new')], 'new');
    const { position } = await primary.snapshot();
    await cutOff(position.seq);
    link.snapshotFailures = 2;
    await caughtUp(await start());
    expect(link.snapshotFailures).toBe(0);
    await expectSame();
  });

  it('keeps the links of what entries deleted that nobody has any more, for as long as it has that', async () => {
    const own = await primary.blob('own');
    const old = await primary.image('old', [own], 'old');
    const first = await start();
    await caughtUp(first);
    await stop(first);
    await primary.deleteManifest(old, 'old');
    const late = await primary.blob('late');
    await primary.image('late', [late], 'late');
    const { position } = await primary.snapshot();
    await cutOff(position.seq);
    const links = [{ repository, digest: own.digest }];
    await primary.append({ type: 'blobs.sweep', cycle: 'one', blobs: [], links });
    link.withheld.add(late.digest);
    const second = await start();
    const pushed = await primary.image('pushed', [await primary.blob('pushed')], 'pushed');
    await until(async () => (await tagged(replica, 'pushed')) === pushed);
    const holds = async () => [
      (await manifest(replica, old)) !== undefined,
      await replica.links.has(repository, own.digest, signal),
    ];
    expect(await holds()).toEqual([true, true]);
    link.withheld.clear();
    await caughtUp(second);
    expect(await holds()).toEqual([false, false]);
  });

  it('has the tombstones of what was deleted since the first of its processes began, with whatever snapshot', async () => {
    const { images } = await history();
    await primary.snapshot();
    const [held] = images;
    for (const { digest } of (held && (await manifest(primary.content, held)))?.blobs ?? []) link.withheld.add(digest);
    const first = await start();
    await until(() => first.progress().bootstrap !== undefined);
    await stop(first);
    const image = primary.manifest('short-lived', { blobs: [await primary.blob('short-lived')] });
    const put = await primary.append({ ...image, tags: [] });
    await primary.deleteManifest(image.digest);
    await primary.snapshot();
    link.withheld.clear();
    await caughtUp(await start());
    // As the first process does when it comes to that only now, and dies before it comes to the deletion.
    await applyEntry(replica, put, signal);
    expect(await manifest(replica, image.digest)).toBeUndefined();
  });

  it('shows an image that the journal deletes before the place of the snapshot with all of its links, until it comes to that', async () => {
    // The region begins with the journal, and so goes on with it.
    const early = await start();
    await clock.advance(1_000);
    await stop(early);
    const [shared, own] = [await primary.blob('shared'), await primary.blob('own')];
    const first = await primary.image('first', [shared], 'first');
    const second = await primary.image('second', [shared, own], 'second');
    const { seq: held } = primary.reader.head;
    await primary.deleteManifest(first, 'first');
    await primary.deleteManifest(second, 'second');
    const kept = await primary.blob('kept');
    await primary.image('kept', [kept], 'kept');
    await primary.snapshot();
    link.heldAfter = held;
    for (const { digest } of [own, kept]) link.stuck.add(digest);
    const replicator = await start();
    await until(async () => (await manifest(replica, first)) !== undefined);
    link.stuck.delete(kept.digest);
    await until(() => replicator.progress().bootstrap === undefined);
    link.stuck.clear();
    await until(async () => (await manifest(replica, second)) !== undefined);
    const digests = [shared, own].map(({ digest }) => digest);
    const holds = await Promise.all(digests.map((digest) => replica.links.has(repository, digest, signal)));
    expect(holds).toEqual([true, true]);
    link.heldAfter = Number.POSITIVE_INFINITY;
    await caughtUp(replicator);
    await expectSame();
  });

  it('lets go of an image that waited when the journal was cut off together with its deletion', async () => {
    await primary.image('kept', [await primary.blob('kept')], 'kept');
    const replicator = await start();
    await caughtUp(replicator);
    const own = await primary.blob('own');
    link.stuck.add(own.digest);
    const image = await primary.image('waits', [own], 'waits');
    await until(() => replicator.pending().length === 1);
    link.cut();
    await primary.deleteManifest(image, 'waits');
    await primary.image('later', [await primary.blob('later')], 'later');
    const { position } = await primary.snapshot();
    await cutOff(position.seq);
    link.heal();
    await caughtUp(replicator);
    link.stuck.clear();
    await until(async () => (await replica.blobs.stat(own.digest, signal)) !== undefined);
    await clock.advance(1_000);
    expect(await manifest(replica, image)).toBeUndefined();
    await expectSame();
  });

  it('does not say that it has what a newer snapshot brings when an older one is taken in', async () => {
    const { images } = await history();
    await primary.snapshot();
    const blobsOf = async (image: Digest) =>
      ((await manifest(primary.content, image))?.blobs ?? []).map(({ digest }) => digest);
    const [old] = images;
    const withheld = old === undefined ? [] : await blobsOf(old);
    for (const blob of withheld) link.withheld.add(blob);
    const replicator = await start();
    await until(() => replicator.progress().bootstrap !== undefined);
    link.cut();
    const newer = await primary.image('newer', [await primary.blob('newer')], 'newer');
    for (const blob of await blobsOf(newer)) link.withheld.add(blob);
    const { position } = await primary.snapshot();
    await cutOff(position.seq);
    link.heal();
    await until(() => replicator.progress().bootstrap?.tail === position.seq);
    for (const blob of withheld) link.withheld.delete(blob);
    await until(async () => old !== undefined && (await manifest(replica, old)) !== undefined);
    await clock.advance(20_000);
    expect(replicator.progress()).toMatchObject({ watermark: 0, bootstrap: { seq: position.seq } });
    link.withheld.clear();
    await caughtUp(replicator);
    await expectSame();
  });
});
