import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Digest, parseTag } from '#libs/oci';
import { type JournalMessage, PeerError, type RegionProgress } from '#libs/peer';
import { openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import type { JournalSource } from './journal-source.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import type { CopyJob } from './replication-queue.js';
import { Replicator } from './replicator.js';
import type { ReplicatorObserver } from './replicator-options.js';
import { DyingObjectStore } from './testing/dying-object-store.js';
import { MemoryPrimary, repository } from './testing/memory-primary.js';
import { PrimaryLink } from './testing/primary-link.js';

const signal = new AbortController().signal;

describe('Replicator', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: MemoryObjectStore;
  let jobs: MemoryQueueJobs;
  let processes = 0;
  const running: Replicator[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new MemoryObjectStore({ clock });
    jobs = new MemoryQueueJobs();
  });

  afterEach(async () => {
    await Promise.all([...running.splice(0).map(stop), stopped(primary.close())]);
  });

  /** A replicator process of the replica, on its bucket or on what it sees of it. */
  async function start(
    options: {
      store?: ObjectStore;
      source?: JournalSource;
      windowEntries?: number;
      directBytes?: number;
      observer?: Partial<ReplicatorObserver>;
    } = {},
  ) {
    const { store = bucket, source = link, windowEntries = 100, directBytes = 0, observer = {} } = options;
    processes += 1;
    const random = new SeededRandom(processes);
    const content = openRegionContent({ store, clock, random });
    const onBytes = () => undefined;
    const copier = new Copier({
      store,
      blobs: content.blobs,
      sources: [link.client],
      scratch: new MemoryCopyScratch(),
      onBytes,
      clock,
      random,
    });
    const replicator = new Replicator({
      source,
      content,
      queue: new MemoryReplicationQueue(jobs, { clock, random }),
      copy: (job, copying) => copier.copy(job, copying),
      copyConcurrency: 4,
      directBytes,
      progress: new ProgressStore({ store, random }),
      clock,
      random,
      windowEntries,
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined, ...observer },
    });
    running.push(replicator);
    await replicator.start(signal);
    return replicator;
  }

  /** The same bucket, every answer so much later. */
  function slow(store: MemoryObjectStore, latencyMs: () => number): ObjectStore {
    const later = async (work: () => Promise<unknown>): Promise<unknown> => {
      if (latencyMs() > 0) await clock.sleep(latencyMs(), signal);
      return work();
    };
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...question: unknown[]) => later(() => value.apply(target, question) as Promise<unknown>);
      },
    });
  }

  /** The same bucket; what is asked of it is told. */
  function told(onAsked: (question: string) => void): ObjectStore {
    return new Proxy(bucket, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (key: unknown, ...more: unknown[]) => {
          onAsked(`${String(name)} ${String(key)}`);
          return value.apply(target, [key, ...more]);
        };
      },
    });
  }

  /** The same bucket; a question waits for as long as it is held up. */
  function holding(isHeldUp: (question: string) => boolean): ObjectStore {
    return new Proxy(bucket, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return async (key: unknown, ...more: unknown[]) => {
          while (isHeldUp(`${String(name)} ${String(key)}`)) await clock.sleep(10, signal);
          return value.apply(target, [key, ...more]);
        };
      },
    });
  }

  async function stopped(stopping: Promise<void>): Promise<void> {
    let ended = false;
    stopping
      .catch(() => undefined) // A process whose store is gone cannot say how far it came.
      .finally(() => {
        ended = true;
      });
    for (let turn = 0; turn < 200 && !ended; turn += 1) await clock.advance(100);
  }

  const stop = (replicator: Replicator) => stopped(replicator.stop(1_000));

  /** Lets time pass until something is true. */
  async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
    for (let waited = 0; waited < limitMs; waited += 50) {
      if (await condition()) return;
      await clock.advance(50);
    }
    throw new Error('it never came to be');
  }

  const caughtUp = (replicator: Replicator) => until(() => replicator.progress().watermark === primary.reader.head.seq);

  const replica = () => openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });

  async function tagged(content: RegionContent, tag: string): Promise<Digest | undefined> {
    return (await content.tags.get(repository, parseTag(tag), signal))?.value;
  }

  /** Whether everything under a tag is stored (I2), its digest if so. */
  async function whole(content: RegionContent, tag: string): Promise<Digest | undefined> {
    const digest = await tagged(content, tag);
    if (digest !== undefined) await expectWhole(content, digest);
    return digest;
  }

  async function expectWhole(content: RegionContent, digest: Digest): Promise<void> {
    const manifest = await content.manifests.find(repository, digest, signal);
    expect(manifest).toBeDefined();
    for (const blob of manifest?.blobs ?? []) expect(await content.blobs.stat(blob.digest, signal)).toMatchObject(blob);
    for (const child of manifest?.children ?? []) await expectWhole(content, child);
  }

  async function pushIndex(): Promise<Digest> {
    const [config, layer, shared] = [
      await primary.blob('config'),
      await primary.blob('layer'),
      await primary.blob('s'),
    ];
    const one = await primary.image('one', [config, shared]);
    const two = await primary.image('two', [layer, shared]);
    return primary.index('both', [one, two], 'latest', 'v1');
  }

  it('brings a pushed index with everything that it needs, each blob once', async () => {
    const replicator = await start();
    const digest = await pushIndex();
    await caughtUp(replicator);
    expect(await whole(replica(), 'latest')).toBe(digest);
    expect(await whole(replica(), 'v1')).toBe(digest);
    expect(link.opened).toHaveLength(3);
    expect(replicator.progress()).toMatchObject({
      watermark: 3,
      beyond: [],
      head: 3,
      oldestPendingMs: undefined,
      backlog: { entries: 0, bytes: 0 },
      failed: [],
    });
  });

  it('copies small blobs without the queue, also while big ones hold up all of its workers', async () => {
    const replicator = await start({ directBytes: 10 });
    for (const size of [20, 30, 40, 50]) {
      const big = await primary.blob('x'.repeat(size));
      link.stuck.add(big.digest);
      await primary.image(`big ${size}`, [big]);
    }
    await until(() => jobs.active.size === 4);
    const small = await primary.image('small', [await primary.blob('small')], 'small');
    await until(async () => (await whole(replica(), 'small')) === small, 500);
    expect(jobs.active.size).toBe(4);
    link.stuck.clear();
    await caughtUp(replicator);
  });

  it('tries a small blob again that could not be had, whatever else goes on', async () => {
    const replicator = await start({ directBytes: 10 });
    const late = await primary.blob('late');
    link.withheld.add(late.digest);
    const digest = await primary.image('late', [late], 'late');
    await until(() => replicator.progress().failed.length > 0);
    link.withheld.clear();
    await caughtUp(replicator);
    expect(await whole(replica(), 'late')).toBe(digest);
  });

  it('asks its store once for each blob that was announced, and twice for nothing that it brought itself', async () => {
    const asked: string[] = [];
    const counted = told((question) => asked.push(question));
    const blobs = [await primary.blob('config'), await primary.blob('layer')];
    const source: JournalSource = {
      isDeleted: (...question) => link.isDeleted(...question),
      origin: (origin) => link.origin(origin),
      async *journal(after, following) {
        for (const blob of blobs) yield { kind: 'hint', blob };
        yield* link.journal(after, following);
      },
    };
    const replicator = await start({ store: counted, source, directBytes: 100 });
    const here = () => Promise.all(blobs.map(({ digest }) => replica().blobs.stat(digest, signal)));
    await until(async () => (await here()).every((found) => found !== undefined));
    const image = await primary.image('announced', blobs, 'announced');
    await caughtUp(replicator);
    expect(await whole(replica(), 'announced')).toBe(image);
    for (const { digest } of blobs) {
      const of = (key: string) => asked.filter((question) => question.endsWith(key));
      const [blob, linked] = [keys.blob(digest), keys.link(repository, digest)];
      expect([...of(blob), ...of(linked)]).toEqual([`read ${blob}`, `put ${blob}`, `put ${linked}`]);
    }
  });

  it('looks once for a blob that an entry needs before it is copied', async () => {
    const blob = await primary.blob('layer');
    let looks = 0;
    const counted = told((question) => {
      if (question === `read ${keys.blob(blob.digest)}`) looks += 1;
    });
    await primary.image('unannounced', [blob], 'unannounced');
    await caughtUp(await start({ store: counted, directBytes: 100 }));
    expect(looks).toBe(1);
  });

  it('plans many entries together, however far away its store is', async () => {
    const images = 60;
    for (let index = 0; index < images; index += 1) {
      await primary.image(`${index}`, [await primary.blob(`layer ${index}`)], `v${index}`);
    }
    let latencyMs = 0;
    const replicator = await start({ store: slow(bucket, () => latencyMs), directBytes: 100 });
    latencyMs = 20;
    const begun = clock.monotonic();
    await caughtUp(replicator);
    // One after the other, each would wait for at least five answers of 20 ms.
    expect(clock.monotonic() - begun).toBeLessThan(images * 5 * 20 * 0.3);
  });

  it('shows no tag before the last blob is here, says what is missing, and lets others overtake', async () => {
    const replicator = await start();
    const [slow, quick] = [await primary.blob('a big slow blob'), await primary.blob('quick')];
    link.withheld.add(slow.digest);
    await primary.image('slow', [slow], 'slow');
    const digest = await primary.image('quick', [quick], 'quick');
    await until(async () => (await whole(replica(), 'quick')) === digest);
    expect(await tagged(replica(), 'slow')).toBeUndefined();
    expect(replicator.progress()).toMatchObject({
      watermark: 0,
      beyond: [2],
      backlog: { entries: 1, bytes: slow.size },
    });
    expect(replicator.progress().oldestPendingMs).toBeDefined();

    await until(() => replicator.progress().failed.length === 1);
    expect(replicator.progress().failed).toEqual([{ seq: 1, reason: expect.stringContaining('no region has') }]);
    link.withheld.clear();
    await caughtUp(replicator);
    expect(replicator.progress()).toMatchObject({ failed: [], backlog: { entries: 0, bytes: 0 } });
    expect(await whole(replica(), 'slow')).toBeDefined();
  });

  it('needs nothing of the queue: jobs that it lost are asked for again', async () => {
    const forgetful = new ForgetfulJobs();
    jobs = forgetful;
    const replicator = await start();
    const digest = await pushIndex();
    await until(() => forgetful.forgotten >= 4);
    expect(replicator.progress()).toMatchObject({ watermark: 0, backlog: { entries: 3 } });
    forgetful.forgets = false;
    await caughtUp(replicator);
    expect(await whole(replica(), 'latest')).toBe(digest);
  });

  it('does not wait for the blobs of a manifest that was deleted meanwhile', async () => {
    const replicator = await start();
    const gone = await primary.blob('gone');
    link.withheld.add(gone.digest);
    const digest = await primary.image('gone', [gone], 'old');
    const index = await primary.index('around it', [digest], 'index');
    await until(() => replicator.progress().backlog.bytes > 0);
    await primary.deleteManifest(digest, 'old');
    await caughtUp(replicator);
    expect(await tagged(replica(), 'old')).toBeUndefined();
    expect(await tagged(replica(), 'index')).toBe(index);
    expect(replicator.progress().backlog).toEqual({ entries: 0, bytes: 0 });
  });

  it('waits for a child that was deleted and is pushed again', async () => {
    const [first, again] = [await primary.blob('first'), await primary.blob('again')];
    const child = await primary.image('child', [first]);
    await primary.deleteManifest(child);
    const replicator = await start();
    await caughtUp(replicator);
    link.withheld.add(again.digest);
    await primary.image('child', [first, again]);
    await primary.index('parent', [child], 'parent');
    await until(() => replicator.progress().head === 4 && replicator.progress().backlog.entries === 2);
    await clock.advance(1_000);
    expect(await tagged(replica(), 'parent')).toBeUndefined();
    link.withheld.clear();
    await caughtUp(replicator);
    expect(await whole(replica(), 'parent')).toBeDefined();
  });

  it('goes on by itself after the link was cut, and keeps its place over a restart', async () => {
    const before = await start();
    await pushIndex();
    await caughtUp(before);
    link.cut();
    const next = await primary.image('next', [await primary.blob('next')], 'latest');
    await clock.advance(10_000);
    expect(await tagged(replica(), 'latest')).not.toBe(next);
    await stop(before);
    const after = await start();
    expect(after.progress()).toMatchObject({ watermark: 3, generation: before.progress().generation });
    link.heal();
    await caughtUp(after);
    expect(await whole(replica(), 'latest')).toBe(next);
    expect(link.opened).toHaveLength(4);
  });

  it('has caught up half a minute after a link that was down for long is back, however often it tried', async () => {
    const blob = await primary.blob('layer');
    await primary.image('app', [blob], 'latest');
    const { openBlob } = PrimaryLink.prototype;
    link.openBlob = () => Promise.reject(new PeerError('unreachable', link.region, 'the line is dead'));
    const replicator = await start();
    await clock.advance(20 * 60_000);
    expect(replicator.progress().watermark).toBe(0);
    link.openBlob = openBlob;
    await clock.advance(30_000);
    expect(replicator.progress().watermark).toBe(1);
  });

  it.each([
    ['small, copied at once', 100],
    ['big, through the queue', 0],
  ])('asks again for hundreds of blobs within seconds, however slow its store is: %s', async (_, directBytes) => {
    const images = 400;
    for (let index = 0; index < images; index += 1) await primary.image(`${index}`, [await primary.blob(`${index}`)]);
    let failures = 0;
    link.openBlob = () => {
      failures += 1;
      return Promise.resolve(undefined);
    };
    let latencyMs = 0;
    const replicator = await start({ store: slow(bucket, () => latencyMs), windowEntries: 1_000, directBytes });
    await until(() => failures >= images);
    link.openBlob = PrimaryLink.prototype.openBlob;
    latencyMs = 50;
    const begun = clock.monotonic();
    await until(() => link.opened.length === images, 25_000);
    // One look after the other would take 20 s before any of them is asked for.
    expect(clock.monotonic() - begun).toBeLessThan(12_000);
    await caughtUp(replicator);
  });

  it('holds back the journal while its window is full', async () => {
    const blobs = await Promise.all([1, 2, 3, 4, 5].map((name) => primary.blob(`withheld ${name}`)));
    for (const [index, blob] of blobs.entries()) {
      link.withheld.add(blob.digest);
      await primary.image(`image ${index}`, [blob], `v${index}`);
    }
    const replicator = await start({ windowEntries: 2 });
    await clock.advance(5_000);
    expect(replicator.progress().backlog).toEqual({ entries: 5, bytes: 2 * (blobs[0]?.size ?? 0) });
    link.withheld.clear();
    await caughtUp(replicator);
  });

  it('sets an entry aside that it cannot read, says so, and goes on', async () => {
    const replicator = await start({ source: unreadableFirst(link) });
    await pushIndex();
    await until(() => replicator.progress().beyond.length === 2);
    const progress: RegionProgress = replicator.progress();
    expect(progress).toMatchObject({ watermark: 0, failed: [{ seq: 1, reason: 'from the future' }] });
    expect(progress.oldestPendingMs).toBeDefined();
  });

  it('passes over an image that was deleted and collected at the primary beyond its window', async () => {
    const [gone, kept] = [await primary.blob('gone'), await primary.blob('kept')];
    const collected = await primary.image('collected', [gone], 'collected');
    await primary.index('index', [collected], 'index');
    await primary.image('kept', [kept], 'kept');
    await primary.deleteManifest(collected, 'collected');
    link.withheld.add(gone.digest);
    const replicator = await start({ windowEntries: 1 });
    await caughtUp(replicator);
    expect(await tagged(replica(), 'collected')).toBeUndefined();
    expect(await whole(replica(), 'kept')).toBeDefined();
  });

  it('lets no index wait for such an image that is taken up while it is passed over', async () => {
    const [gone, stuck] = [await primary.blob('gone'), await primary.blob('stuck')];
    const collected = await primary.image('collected', [gone], 'collected');
    await primary.image('kept', [stuck], 'kept');
    const index = await primary.index('index', [collected], 'index');
    await primary.deleteManifest(collected, 'collected');
    link.withheld.add(gone.digest);
    link.stuck.add(stuck.digest);
    let [isHeldUp, isPassedOver] = [true, false];
    const store = holding((question) => {
      if (question !== `put ${keys.manifest(repository, collected)}`) return false;
      isPassedOver = true;
      return isHeldUp;
    });
    const replicator = await start({ store, windowEntries: 2 });
    await until(() => isPassedOver);
    link.stuck.clear();
    await until(async () => (await tagged(replica(), 'kept')) !== undefined);
    await clock.advance(1_000);
    isHeldUp = false;
    await caughtUp(replicator);
    expect(await tagged(replica(), 'index')).toBe(index);
  });

  it('passes over such an image, too, when another process of the region takes all jobs and gives them up', async () => {
    const other = new MemoryReplicationQueue(jobs, { clock, random: new SeededRandom(77) });
    const handler = () => Promise.reject(new Error('no region has it'));
    other.work(handler, { concurrency: 1, onFailed: () => undefined });
    const gone = await primary.blob('gone');
    const collected = await primary.image('collected', [gone], 'collected');
    await primary.image('kept', [], 'kept');
    await primary.deleteManifest(collected, 'collected');
    link.withheld.add(gone.digest);
    const replicator = await start({ windowEntries: 1 });
    replicator.steer({ copies: 0 });
    await caughtUp(replicator);
    expect(await whole(replica(), 'kept')).toBeDefined();
    await stopped(other.close(1_000));
  });

  it('says so when a part of it has ended, and goes on with all else', async () => {
    const told: string[] = [];
    const onProgress = () => {
      throw new Error('nobody listens');
    };
    const replicator = await start({
      observer: { onProgress, onRetry: (what, error) => told.push(`${what}: ${String(error)}`) },
    });
    await primary.image('one', [await primary.blob('a layer')], 'v1');
    await caughtUp(replicator);
    expect(told).toEqual(['telling how far the region is: Error: nobody listens']);
    await stop(replicator);
    expect(told).toHaveLength(1);
  });

  it('refuses what comes from an earlier epoch', async () => {
    const stale: JournalSource = {
      isDeleted: () => Promise.resolve(false),
      origin: () => Promise.resolve(0),
      journal: async function* () {
        yield { kind: 'head', seq: 9, epoch: 0, timeMs: 1 };
      },
    };
    const first = await start();
    await pushIndex();
    await caughtUp(first);
    await stop(first);
    const second = await start({ source: stale });
    await clock.advance(5_000);
    expect(second.progress()).toMatchObject({ head: 3, epoch: 1 });
  });

  it('is a new region with every new bucket', async () => {
    const first = await start();
    const digest = await pushIndex();
    await caughtUp(first);
    const { generation } = first.progress();
    await stop(first);
    bucket = new MemoryObjectStore({ clock });
    const second = await start();
    expect(second.progress().generation).not.toBe(generation);
    await caughtUp(second);
    expect(await whole(replica(), 'latest')).toBe(digest);
  });

  it('comes to the same end wherever it is killed, and shows nothing broken on the way', async () => {
    const digest = await pushIndex();
    let survived = false;
    for (let write = 1; !survived; write += 1) {
      for (const moment of ['before', 'after'] as const) {
        bucket = new MemoryObjectStore({ clock });
        jobs = new MemoryQueueJobs();
        const seen = new DyingObjectStore(bucket, write, moment);
        const victim = await start({ store: seen }).catch(() => undefined);
        await until(() => seen.dead || victim?.progress().watermark === 3);
        survived = !seen.dead;
        await Promise.all(running.splice(0).map(stop));
        await whole(replica(), 'latest');
        await whole(replica(), 'v1');

        jobs = new MemoryQueueJobs();
        const successor = await start();
        await caughtUp(successor);
        expect(await whole(replica(), 'latest')).toBe(digest);
        expect(await whole(replica(), 'v1')).toBe(digest);
        await Promise.all(running.splice(0).map(stop));
      }
      if (survived) expect(write).toBeGreaterThan(15);
    }
  });
});

/** A queue that was flushed behind everybody's back. */
class ForgetfulJobs extends MemoryQueueJobs {
  forgets = true;
  forgotten = 0;

  override add(job: CopyJob): void {
    if (this.forgets) this.forgotten += 1;
    else super.add(job);
  }
}

/** A source whose first entry is of a kind that this release does not know. */
function unreadableFirst(link: PrimaryLink): JournalSource {
  return {
    isDeleted: () => Promise.resolve(false),
    origin: () => Promise.resolve(0),
    journal: async function* (after, following): AsyncGenerator<JournalMessage> {
      for await (const message of link.journal(after, following)) {
        const first = message.kind === 'entry' && message.entry.seq === 1;
        yield first ? { kind: 'unreadable', seq: 1, reason: 'from the future' } : message;
      }
    },
  };
}
