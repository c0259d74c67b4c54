import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCopyLimits } from '#libs/geo';
import { parseTag } from '#libs/oci';
import { openRegionContent } from '#libs/registry';
import { Pace } from '#libs/resilience';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { ControlFollower } from './control-follower.js';
import { ControlStore } from './control-store.js';
import { Copier } from './copier.js';
import { FailedCopies } from './failed-copies.js';
import { LocalSteering } from './local-steering.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import { Replicator } from './replicator.js';
import { MemoryPrimary, PrimaryLink, repository } from './testing/index.js';

const MIB = 1024 ** 2;
const signal = new AbortController().signal;

/** A replicator's process, as far as operators steer it. */
describe('a region that is steered', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: MemoryObjectStore;
  let steering: LocalSteering;
  let copied: number;
  const endings: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new MemoryObjectStore({ clock });
    const [controls, failedCopies] = [new ControlStore(bucket), new FailedCopies(bucket)];
    steering = new LocalSteering({ controls, failedCopies, clock, onChanged: () => undefined });
    copied = 0;
  });

  afterEach(async () => {
    for (const end of endings.splice(0)) await ended(end());
    await ended(primary.close());
  });

  async function ended(ending: Promise<void>): Promise<void> {
    let over = false;
    ending.finally(() => {
      over = true;
    });
    for (let turn = 0; turn < 200 && !over; turn += 1) await clock.advance(100);
  }

  async function start(options: { readonly windowEntries?: number; readonly limits?: object[] } = {}) {
    const { windowEntries = 100, limits = [] } = options;
    const random = new SeededRandom(2);
    const content = openRegionContent({ store: bucket, clock, random });
    const pace = new Pace(clock);
    const copier = new Copier({
      ...{ store: bucket, blobs: content.blobs, sources: [link.client], scratch: new MemoryCopyScratch(), pace },
      onBytes: (_blob, _done, bytes) => {
        copied += bytes;
      },
      ...{ clock, random },
    });
    const replicator = new Replicator({
      ...{ source: link, content, clock, random, windowEntries, copyConcurrency: 4, directBytes: 10 },
      queue: new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random }),
      copy: (job, copying) => copier.copy(job, copying),
      setAside: { failures: 3, afterMs: 600_000 },
      failedCopies: new FailedCopies(bucket),
      progress: new ProgressStore({ store: bucket, random }),
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
    });
    const stopping = new AbortController();
    const controls = new ControlFollower({
      ...{ store: new ControlStore(bucket), limits: parseCopyLimits(limits), sharers: () => 1, clock },
      onSteering: (wanted) => {
        pace.setRate(wanted.bytesPerSecond);
        replicator.steer(wanted);
      },
      onRetry: (request) => replicator.retry(request),
      onError: () => undefined,
    });
    await controls.open(signal);
    await replicator.start(signal);
    controls.follow(stopping.signal).catch(() => undefined);
    const end = async (): Promise<void> => {
      stopping.abort(new Error('the process is stopping'));
      await replicator.stop(1_000);
    };
    endings.push(end);
    return { replicator, copier, stop: () => ended(end()) };
  }

  async function until(condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> {
    for (let waited = 0; waited < limitMs; waited += 50) {
      if (await condition()) return;
      await clock.advance(50);
    }
    throw new Error('it never came to be');
  }

  const shows = async (tag: string): Promise<boolean> => {
    const content = openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });
    return (await content.tags.get(repository, parseTag(tag), signal))?.value !== undefined;
  };

  const push = async (tag: string, bytes = 20): Promise<string> => {
    const blob = await primary.blob(tag.padEnd(bytes, '.'));
    await primary.image(tag, [blob], tag);
    return blob.digest;
  };

  describe('by pausing it', () => {
    it('copies nothing, small or big, and takes note of what needs no bytes', async () => {
      const { replicator } = await start();
      await push('before');
      await until(() => shows('before'));
      await steering.change({ kind: 'pause' }, signal);
      await clock.advance(1_100);
      expect(replicator.progress().pausedSinceMs).toBeGreaterThan(0);
      for (const [tag, bytes] of [
        ['small', 5],
        ['big', 3 * MIB],
      ] as const)
        await push(tag, bytes);
      await primary.journal.append(
        { type: 'tag.delete', repository, tag: parseTag('before') },
        { validate: async () => undefined, touchedBy: () => false },
        signal,
      );
      await until(async () => !(await shows('before')));
      await clock.advance(60_000);
      expect(copied).toBe(20);
      expect(replicator.progress()).toMatchObject({ failed: [], backlog: { entries: 2 } });
      await steering.change({ kind: 'resume' }, signal);
      await until(async () => (await shows('small')) && (await shows('big')), 5_000);
      expect(replicator.progress().pausedSinceMs).toBeUndefined();
    });

    it('ends what is being copied, and does not count that as a failure', async () => {
      const { replicator } = await start();
      const blob = await primary.blob('x'.repeat(50));
      link.stuck.add(blob.digest);
      await primary.image('stuck', [blob], 'stuck');
      await until(() => link.opened.length > 0);
      await steering.change({ kind: 'pause' }, signal);
      await clock.advance(1_100);
      link.stuck.clear();
      await clock.advance(10_000);
      expect([await shows('stuck'), replicator.progress().failed]).toEqual([false, []]);
      await steering.change({ kind: 'resume' }, signal);
      await until(() => shows('stuck'), 5_000);
    });

    it('outlives the process, and says since when', async () => {
      const before = await start();
      const { pausedSinceMs } = await steering.change({ kind: 'pause' }, signal);
      await clock.advance(1_100);
      await before.stop();
      await push('later');
      const { replicator } = await start();
      await clock.advance(10_000);
      expect([await shows('later'), replicator.progress().pausedSinceMs]).toEqual([false, pausedSinceMs]);
      expect((await steering.change({ kind: 'pause' }, signal)).pausedSinceMs).toBe(pausedSinceMs);
    });
  });

  describe('by limits', () => {
    it('keeps to the configured rate, then to another that was said, then to none', async () => {
      const { replicator } = await start({ limits: [{ bytesPerSecond: MIB / 8 }] });
      const begunMs = clock.now();
      await push('one', MIB);
      await until(() => shows('one'));
      // So little is two chunks, of which the last is not waited for.
      expect((clock.now() - begunMs) / 8_000).toBeGreaterThan(0.8);
      expect((clock.now() - begunMs) / 8_000).toBeLessThan(1.15);
      await steering.change({ kind: 'limits', limits: parseCopyLimits([{ bytesPerSecond: MIB / 2 }]) }, signal);
      await clock.advance(1_100);
      expect(replicator.progress().limit).toEqual({ bytesPerSecond: MIB / 2 });
      const againMs = clock.now();
      await push('two', MIB);
      await until(() => shows('two'));
      expect((clock.now() - againMs) / 2_000).toBeGreaterThan(0.75);
      await steering.change({ kind: 'limits', limits: [] }, signal);
      await clock.advance(1_100);
      await push('three', MIB);
      await until(() => shows('three'), 1_000);
    });

    it('goes by the time of the day', async () => {
      const time = (minutes: number): string => new Date(clock.now() + minutes * 60_000).toISOString().slice(11, 16);
      const limits = [{ bytesPerSecond: MIB, between: `${time(1)}-${time(2)}` }];
      const { replicator } = await start({ limits });
      expect(replicator.progress().limit).toBeUndefined();
      await clock.advance(60_000 - (clock.now() % 60_000) + 1_100);
      expect(replicator.progress().limit).toEqual({ bytesPerSecond: MIB });
    });

    it('holds up neither what is small nor what somebody waits for', async () => {
      const { copier } = await start({ limits: [{ bytesPerSecond: 100_000 }] });
      await push('big', 4 * MIB);
      await clock.advance(2_000);
      await push('small', 1_000);
      await until(() => shows('small'), 1_000);
      expect(await shows('big')).toBe(false);
      const wanted = await primary.blob('w'.repeat(4 * MIB));
      const done = copier.hurry(wanted.digest);
      const beganMs = clock.now();
      await Promise.race([copier.copy(wanted, signal), until(() => false).catch(() => undefined)]);
      expect(clock.now() - beganMs).toBeLessThan(5_000);
      done();
    });
  });

  describe('where a copy fails again and again', () => {
    async function poison(tag: string) {
      const blob = await primary.blob(tag.padEnd(50, '!'));
      link.withheld.add(blob.digest);
      await primary.image(tag, [blob], tag);
      return blob;
    }

    it('sets it aside with its reason, and whatever comes after it does not wait', async () => {
      const { replicator } = await start({ windowEntries: 2 });
      const blobs = [await poison('one'), await poison('two')];
      await until(() => replicator.progress().setAside === 2);
      for (const tag of ['three', 'four', 'five']) await push(tag);
      await until(() => shows('five'));
      await clock.advance(1_100);
      const failed = await steering.failed(signal);
      expect(failed.map(({ digest }) => digest).sort()).toEqual(blobs.map(({ digest }) => digest).sort());
      expect(failed[0]).toMatchObject({ reason: expect.stringMatching(/no region has/), failures: 3 });
      expect(failed[0]?.repositories).toEqual([repository]);
      expect(replicator.progress().failed).toHaveLength(2);
    });

    it('tries it again when it is told to, and forgets it when it is here', async () => {
      const { replicator } = await start();
      const blob = await poison('one');
      await until(() => replicator.progress().setAside === 1);
      await clock.advance(1_100);
      link.withheld.clear();
      await steering.change({ kind: 'retry', digest: blob.digest }, signal);
      await until(() => shows('one'), 3_000);
      await clock.advance(1_100);
      expect([await steering.failed(signal), replicator.progress().setAside]).toEqual([[], undefined]);
    });

    it('remembers after a restart what was set aside', async () => {
      const before = await start();
      await poison('one');
      await until(async () => (await steering.failed(signal)).length === 1);
      await before.stop();
      const { replicator } = await start({ windowEntries: 1 });
      expect(replicator.progress().setAside).toBe(1);
      await push('two');
      await until(() => shows('two'));
      link.withheld.clear();
      await steering.change({ kind: 'retry', repository }, signal);
      await until(() => shows('one'), 30_000);
    });
  });
});
