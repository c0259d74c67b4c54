import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePolicy, parseRegionName } from '#libs/geo';
import { moveJournalStart, type SnapshotSource } from '#libs/journal';
import { type BlobDescriptor, type Digest, digestOf, parseRepositoryName, parseTag } from '#libs/oci';
import { applyEntry, openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore, StorageError } from '#libs/storage';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import { Replicator } from './replicator.js';
import { Residency } from './selection.js';
import { DyingObjectStore } from './testing/dying-object-store.js';
import { MemoryPrimary } from './testing/memory-primary.js';
import { PrimaryLink } from './testing/primary-link.js';

const signal = new AbortController().signal;
const ap = parseRegionName('ap');
const secret = parseRepositoryName('secret/app');
const open = parseRepositoryName('open/app');

const excluded = { regions: ['ap'], repositories: 'secret/**', action: 'exclude' };

describe('a replica under a policy', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: MemoryObjectStore;
  let replica: RegionContent;
  const running: Replicator[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new MemoryObjectStore({ clock });
    replica = openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });
  });

  afterEach(async () => {
    await Promise.all([...running.splice(0).map((each) => settled(each.stop(1_000))), settled(primary.close())]);
  });

  async function start(store: ObjectStore = bucket, source: PrimaryLink = link): Promise<Replicator> {
    const random = new SeededRandom(running.length + 2);
    const content = openRegionContent({ store, clock, random });
    const copier = new Copier({
      store,
      scratch: new MemoryCopyScratch(),
      blobs: content.blobs,
      sources: [link.client],
      onBytes: () => undefined,
      clock,
      random,
    });
    const replicator = new Replicator({
      region: ap,
      source,
      content,
      queue: new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random }),
      copy: (job, copying) => copier.copy(job, copying),
      copyConcurrency: 4,
      directBytes: 0,
      progress: new ProgressStore({ store, random }),
      clock,
      random,
      windowEntries: 10,
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
    });
    running.push(replicator);
    await replicator.start(signal);
    return replicator;
  }

  async function settled(work: Promise<void>): Promise<void> {
    let ended = false;
    work
      .catch(() => undefined)
      .finally(() => {
        ended = true;
      });
    for (let turn = 0; turn < 200 && !ended; turn += 1) await clock.advance(100);
  }

  async function until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
    for (let waited = 0; waited < limitMs; waited += 50) {
      if (await condition()) return;
      await clock.advance(50);
    }
    throw new Error('it never came to be');
  }

  async function caughtUp(replicator: Replicator): Promise<void> {
    const { seq = 0 } = (await primary.content.policies.current(signal)) ?? {};
    await until(() => {
      const { watermark, policySeq } = replicator.progress();
      return watermark === primary.reader.head.seq && policySeq === seq;
    });
  }

  const put = (...rules: object[]) => primary.append({ type: 'policy.put', policy: parsePolicy({ rules }) });

  async function push(
    repository: typeof secret,
    name: string,
    tags: readonly string[],
    needs: { readonly blobs?: readonly BlobDescriptor[]; readonly children?: readonly Digest[] } = {},
  ): Promise<Digest> {
    const blobs = needs.blobs ?? [await primary.blob(`layer of ${name}`)];
    const change = primary.manifest(`${repository} ${name}`, { ...needs, blobs });
    await primary.append({ ...change, repository, tags: tags.map(parseTag) });
    return change.digest;
  }

  async function tagsOf(repository: typeof secret): Promise<readonly string[]> {
    return (await replica.tags.page(repository, { limit: 100 }, signal)).items;
  }

  const shows = async (repository: typeof secret, digest: Digest) =>
    (await replica.manifests.find(repository, digest, signal)) !== undefined;

  const holds = async ({ digest }: BlobDescriptor) => (await replica.blobs.stat(digest, signal)) !== undefined;

  it('never asks for what is excluded, and counts it neither as backlog nor as lag', async () => {
    await put(excluded);
    const replicator = await start();
    const blob = await primary.blob('a secret');
    const digest = await push(secret, 'image', ['v1'], { blobs: [blob] });
    await push(open, 'image', ['v1']);
    await caughtUp(replicator);
    expect(link.opened).not.toContain(blob.digest);
    expect(await shows(secret, digest)).toBe(false);
    expect(await tagsOf(open)).toEqual(['v1']);
    expect((await bucket.list({ prefix: '', limit: 1_000 }, signal)).objects.join()).not.toContain('secret');
    expect(replicator.progress()).toMatchObject({ backlog: { entries: 0, bytes: 0 }, oldestPendingMs: undefined });
  });

  it('looks through a repository for no entry that it takes nothing of', async () => {
    await put(excluded);
    const looks: string[] = [];
    const list = bucket.list.bind(bucket);
    bucket.list = (request, listing) => {
      looks.push(request.prefix);
      return list(request, listing);
    };
    const replicator = await start();
    await caughtUp(replicator);
    looks.splice(0);
    for (let n = 0; n < 5; n += 1) await push(secret, `image ${n}`, [`v${n}`]);
    await caughtUp(replicator);
    expect(looks.filter((prefix) => prefix.includes(secret))).toEqual([]);
  });

  it('looks through a repository no oftener for the more entries that were on their way when rules came', async () => {
    const [put_, list] = [bucket.put.bind(bucket), bucket.list.bind(bucket)];
    let [isHeld, looks, failed] = [true, 0, false];
    bucket.put = async (key, bytes, putting) => {
      while (isHeld && key.startsWith(`manifests/${secret}`)) await clock.sleep(100, signal);
      return put_(key, bytes, putting);
    };
    bucket.list = async (request, listing) => {
      if (!request.prefix.startsWith(`manifests/${secret}`)) return list(request, listing);
      looks += 1;
      await clock.sleep(500, listing);
      if (failed) return list(request, listing);
      failed = true;
      throw new StorageError('unavailable', { driver: 'memory', operation: 'list', key: request.prefix });
    };
    const replicator = await start();
    const digests = [];
    for (let n = 0; n < 8; n += 1) digests.push(await push(secret, `image ${n}`, [`v${n}`]));
    await until(() => replicator.progress().backlog.bytes === 0 && replicator.progress().head === 8);
    await put(excluded);
    await until(async () => (await replica.policies.current(signal))?.seq === primary.reader.head.seq);
    isHeld = false;
    await caughtUp(replicator);
    const shown = await Promise.all(digests.map((digest) => shows(secret, digest)));
    expect([shown.includes(true), await tagsOf(secret), await replica.catalog.has(secret, signal)]).toEqual([
      false,
      [],
      false,
    ]);
    // The one that failed, one that began before all had been brought, one for the others, and the rules' own.
    expect(looks).toBeLessThanOrEqual(4);
  });

  it('takes nothing of the past that the policy of today excludes', async () => {
    const blob = await primary.blob('a secret');
    await push(secret, 'image', ['v1'], { blobs: [blob] });
    await put(excluded);
    await caughtUp(await start());
    expect(link.opened).toEqual([]);
    expect(await holds(blob)).toBe(false);
  });

  it('loses what a policy takes away, and gets it back from the policy that gives it', async () => {
    const replicator = await start();
    const shared = await primary.blob('shared');
    const digest = await push(secret, 'image', ['v1', 'v2'], { blobs: [shared] });
    await push(open, 'image', ['v1'], { blobs: [shared] });
    await caughtUp(replicator);
    await put(excluded);
    await caughtUp(replicator);
    expect(await shows(secret, digest)).toBe(false);
    expect(await tagsOf(secret)).toEqual([]);
    expect(await replica.links.has(secret, shared.digest, signal)).toBe(false);
    expect(await replica.links.has(open, shared.digest, signal)).toBe(true);
    expect(await replica.catalog.has(secret, signal)).toBe(false);

    const later = await push(secret, 'later', ['v2']);
    await primary.append({ type: 'tag.delete', repository: secret, tag: parseTag('v1') });
    await put();
    await caughtUp(replicator);
    expect(await tagsOf(secret)).toEqual(['v2']);
    expect((await replica.tags.get(secret, parseTag('v2'), signal))?.value).toBe(later);
    expect(await shows(secret, digest)).toBe(true);
    expect(await replica.links.has(secret, shared.digest, signal)).toBe(true);
  });

  it('takes nothing away before its bucket knows by which rules', async () => {
    let isFull = false;
    const full = new Proxy<ObjectStore>(bucket, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...question: unknown[]) => {
          if (isFull && property === 'put' && question[0] === keys.policy)
            return Promise.reject(new Error('it is full'));
          return value.apply(target, question) as unknown;
        };
      },
    });
    const replicator = await start(full);
    const [shown, late] = [await push(secret, 'shown', ['v1']), await primary.blob('late')];
    await caughtUp(replicator);
    link.withheld.add(late.digest);
    await push(secret, 'waits', ['v2'], { blobs: [late] });
    await until(() => replicator.progress().backlog.bytes > 0);
    isFull = true;
    await put(excluded);
    await clock.advance(3_000);
    link.withheld.clear();
    await clock.advance(60_000);
    expect(await shows(secret, shown)).toBe(true);
    isFull = false;
    await caughtUp(replicator);
    expect(await shows(secret, shown)).toBe(false);
  });

  it('keeps no link of a manifest that was deleted before the policy took the repository away', async () => {
    const replicator = await start();
    const shared = await primary.blob('shared');
    const digest = await push(secret, 'image', ['v1'], { blobs: [shared] });
    await primary.append({ type: 'manifest.delete', repository: secret, digest, tags: [parseTag('v1')] });
    await push(secret, 'later', ['v2'], { blobs: [await primary.blob('other')] });
    await caughtUp(replicator);
    expect(await replica.links.has(secret, shared.digest, signal)).toBe(true);
    await put(excluded);
    await caughtUp(replicator);
    expect(await replica.links.has(secret, shared.digest, signal)).toBe(false);

    await put();
    await caughtUp(replicator);
    expect(await replica.links.has(secret, shared.digest, signal)).toBe(true);
  });

  it('keeps no referrer of which another process of the region took the manifest already', async () => {
    const replicator = await start();
    const subject = await push(secret, 'image', ['v1']);
    const change = { ...primary.manifest('a signature', {}), repository: secret, subject, tags: [] };
    await primary.append(change);
    await caughtUp(replicator);
    await replica.manifests.evict(secret, change.digest, signal);
    expect(await replica.referrers.list(secret, subject, signal)).toHaveLength(1);
    await put(excluded);
    await caughtUp(replicator);
    expect(await replica.referrers.list(secret, subject, signal)).toEqual([]);

    await put();
    await caughtUp(replicator);
    expect(await replica.referrers.list(secret, subject, signal)).toHaveLength(1);
  });

  it('gives nothing back that was deleted before the region was filled from a snapshot', async () => {
    const digest = await push(secret, 'image', ['v1']);
    await primary.append({ type: 'manifest.delete', repository: secret, digest, tags: [parseTag('v1')] });
    await push(secret, 'later', ['v2']);
    await push(secret, 'latest', ['v3']);
    await primary.append({ type: 'tag.delete', repository: secret, tag: parseTag('v3') });
    await put(excluded);
    await primary.snapshot();
    const replicator = await start();
    await caughtUp(replicator);
    await put();
    await caughtUp(replicator);
    expect([await shows(secret, digest), await tagsOf(secret)]).toEqual([false, ['v2']]);
  });

  it('keeps no tag that nobody is shown, because a newer state of it was heard of', async () => {
    const replicator = await start();
    await push(secret, 'image', ['v1']);
    await caughtUp(replicator);
    await replica.tags.raiseFloor(secret, parseTag('v1'), 9, signal);
    await put(excluded);
    await caughtUp(replicator);
    expect(await replica.tags.held(secret, parseTag('v1'), signal)).toBeUndefined();
  });

  it.each(['goes on', 'dies'])(
    'gets back what a policy took that was replaced before it was done (the worker %s)',
    async (how) => {
      const replicator = await start();
      const blob = await primary.blob('a layer');
      const digest = await push(secret, 'image', ['v1']);
      await put({ ...excluded, repositories: 'open/**' });
      await push(open, 'image', ['v1'], { blobs: [blob] });
      await caughtUp(replicator);
      link.stuck.add(blob.digest);
      // This one gives back what cannot come yet, and takes something else.
      await put(excluded);
      await until(async () => !(await shows(secret, digest)));
      await until(() => replicator.progress().watermark === primary.reader.head.seq);
      await put();
      await until(() => replicator.progress().watermark === primary.reader.head.seq);
      if (how === 'dies') await settled(replicator.stop(1_000));
      link.stuck.clear();
      await caughtUp(how === 'dies' ? await start() : replicator);
      expect(await shows(secret, digest)).toBe(true);
      expect(await tagsOf(open)).toEqual(['v1']);
    },
  );

  it('shows nothing of which replaced rules took a part before all of it is back, when the newest come with a snapshot', async () => {
    class Holding extends PrimaryLink {
      isHeld = false;
      isAsked = false;
      override get snapshots(): SnapshotSource {
        const snapshots = super.snapshots;
        const newest = snapshots.newest.bind(snapshots);
        snapshots.newest = async (looking) => {
          this.isAsked = this.isHeld;
          while (this.isHeld) await clock.sleep(100, looking);
          return newest(looking);
        };
        return snapshots;
      }
    }
    const line = new Holding(primary, clock);
    const replicator = await start(bucket, line);
    const digest = await push(secret, 'image', ['v1']);
    await put({ ...excluded, repositories: 'open/**' });
    await push(open, 'image', ['v1']);
    await caughtUp(replicator);
    const { seq } = primary.reader.head;
    await primary.snapshot();
    await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
    line.isHeld = true;
    // It takes one repository, and gives another back that only a snapshot still tells of.
    await put(excluded);
    await until(() => line.isAsked);
    expect(await shows(secret, digest)).toBe(false);
    line.cut();
    await put();
    await primary.snapshot();
    line.isHeld = false;
    await until(async () => (await replica.policies.current(signal))?.seq === primary.reader.head.seq);
    const residency = new Residency(ap);
    const look = async () =>
      residency.update(await replica.policies.current(signal), await replica.policies.enforced(signal));
    await look();
    expect(residency.refusal(secret)).toMatchObject({ action: 'exclude' });
    line.heal();
    await caughtUp(replicator);
    await look();
    expect([residency.refusal(secret), await shows(secret, digest), await tagsOf(open)]).toEqual([
      undefined,
      true,
      ['v1'],
    ]);
  });

  describe('that gives back while the region is filled from a snapshot', () => {
    const known = async () => (await replica.policies.enforced(signal))?.seq;
    let layer: BlobDescriptor;

    /** A process hears of rules that give back, and dies while another repository's blob keeps the snapshot from being taken in. */
    async function interrupted(between: () => Promise<void> = async () => undefined): Promise<void> {
      layer = await primary.blob('a layer');
      link.withheld.add(layer.digest);
      await push(open, 'image', ['v1'], { blobs: [layer] });
      const { seq } = primary.reader.head;
      await primary.snapshot();
      await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
      const replicator = await start();
      await until(async () => (await known()) === 1);
      await between();
      await put();
      const loosened = primary.reader.head.seq;
      await until(async () => (await replica.policies.current(signal))?.seq === loosened);
      await settled(replicator.stop(1_000));
      expect(await known()).toBe(1);
    }

    it('is not followed before that is taken in, by a process that has just begun either', async () => {
      await put(excluded);
      const blob = await primary.blob('another layer');
      link.withheld.add(blob.digest);
      const digest = await push(secret, 'image', ['v1'], { blobs: [blob] });
      await interrupted();
      const replicator = await start();
      await clock.advance(10_000);
      link.withheld.delete(layer.digest);
      await until(() => holds(layer));
      await clock.advance(10_000);
      expect([await known(), await shows(secret, digest)]).toEqual([1, false]);
      link.withheld.clear();
      await caughtUp(replicator);
      expect(await shows(secret, digest)).toBe(true);
    });

    it('is not followed before what the journal brought besides is here, which a process that died had left out', async () => {
      await put(excluded);
      const blob = await primary.blob('another layer');
      let [digest, seq] = [blob.digest, 0];
      await interrupted(async () => {
        digest = await push(secret, 'image', ['v1'], { blobs: [blob] });
        seq = primary.reader.head.seq;
        await until(() => running[0]?.progress().bootstrap?.tail === seq);
      });
      link.heldAfter = seq - 1;
      link.withheld.delete(layer.digest);
      link.withheld.add(blob.digest);
      const replicator = await start();
      await until(async () => (await holds(layer)) && replicator.progress().bootstrap === undefined);
      await clock.advance(10_000);
      expect(await known()).toBe(1);
      link.heldAfter = Number.POSITIVE_INFINITY;
      await clock.advance(10_000);
      expect([await known(), await shows(secret, digest)]).toEqual([1, false]);
      link.withheld.clear();
      await caughtUp(replicator);
      expect(await shows(secret, digest)).toBe(true);
    });
  });

  it('goes by new rules, and goes on, while a snapshot is taken in for what older ones give back', async () => {
    const replicator = await start();
    const [gone, blob] = [await push(secret, 'image', ['v1']), await primary.blob('a layer')];
    await put({ ...excluded, repositories: 'open/**' });
    const back = await push(open, 'image', ['v1'], { blobs: [blob] });
    await caughtUp(replicator);
    const { seq } = primary.reader.head;
    await primary.snapshot();
    await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
    link.withheld.add(blob.digest);
    await put();
    await until(() => replicator.progress().backlog.bytes > 0);
    await put(excluded);
    const later = await push(open, 'later', ['v2']);
    await until(async () => !(await shows(secret, gone)) && (await shows(open, later)));
    link.withheld.clear();
    await caughtUp(replicator);
    expect([await shows(open, back), await tagsOf(open), await tagsOf(secret)]).toEqual([true, ['v1', 'v2'], []]);
  });

  it('has not even the name of what it takes, while a snapshot is taken in for what it gives back', async () => {
    const replicator = await start();
    await push(secret, 'image', ['v1']);
    await put({ ...excluded, repositories: 'open/**' });
    const blob = await primary.blob('a layer');
    await push(open, 'image', ['v1'], { blobs: [blob] });
    await caughtUp(replicator);
    const { seq } = primary.reader.head;
    await primary.snapshot();
    await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
    link.withheld.add(blob.digest);
    await put(excluded);
    await until(() => replicator.progress().backlog.bytes > 0);
    await clock.advance(1_000);
    expect(await replica.catalog.has(secret, signal)).toBe(false);
  });

  it('has no traces of an image that the policy takes while the primary is asked whether it was deleted', async () => {
    class Slow extends PrimaryLink {
      isAsked = false;
      isHeld = true;
      override async isDeleted(_: unknown, asking: AbortSignal): Promise<boolean> {
        this.isAsked = true;
        while (this.isHeld) await clock.sleep(100, asking);
        return true;
      }
    }
    const line = new Slow(primary, clock);
    const replicator = await start(bucket, line);
    const blob = await primary.blob('a layer');
    link.withheld.add(blob.digest);
    await push(secret, 'image', ['v1'], { blobs: [blob] });
    await until(() => line.isAsked);
    await put(excluded);
    await caughtUp(replicator);
    line.isHeld = false;
    await clock.advance(5_000);
    const links = await replica.links.has(secret, blob.digest, signal);
    expect([await replica.catalog.has(secret, signal), links]).toEqual([false, false]);
  });

  describe('with a process that has not heard of it', () => {
    const known = async () => (await replica.policies.enforced(signal))?.seq;

    it.each([
      { failures: 0, tags: ['v1'] },
      { failures: 1, tags: ['v1'] },
      { failures: 2, tags: ['v1'] },
      { failures: 1, tags: [] },
    ])(
      'keeps nothing that such a process applies after another has noted that the region follows it (tags: $tags; the store fails $failures times)',
      async ({ failures, tags }) => {
        const [blob, ownLine] = [await primary.blob('a layer'), new PrimaryLink(primary, clock)];
        link.withheld.add(blob.digest);
        const behind = await start(bucket, ownLine);
        const digest = await push(secret, 'image', tags, { blobs: [blob] });
        await until(() => behind.progress().backlog.bytes > 0);
        ownLine.cut();
        const ahead = await start();
        await put(excluded);
        await caughtUp(ahead);
        const list = bucket.list.bind(bucket);
        let failed = 0;
        bucket.list = async (request, listing) => {
          if (request.prefix.startsWith(`manifests/${secret}`) && failed < failures) {
            failed += 1;
            throw new StorageError('unavailable', { driver: 'memory', operation: 'list', key: request.prefix });
          }
          return list(request, listing);
        };
        link.withheld.delete(blob.digest);
        await until(async () => (await holds(blob)) && behind.progress().watermark > 0);
        expect([await shows(secret, digest), await tagsOf(secret), failed]).toEqual([false, [], failures]);
      },
    );

    it.each([0, 1, 2])(
      'has no name that such a process takes in with a snapshot after another has noted that the region follows it (the store fails %i times)',
      async (failures) => {
        const [blob, ownLine] = [await primary.blob('a layer'), new PrimaryLink(primary, clock)];
        await push(secret, 'image', ['v1']);
        await push(open, 'image', ['v1'], { blobs: [blob] });
        const { seq } = primary.reader.head;
        await primary.snapshot();
        await moveJournalStart(primary.store, undefined, { seq, chain: digestOf('any') }, signal);
        // Of neither process the taking in ends.
        link.withheld.add(blob.digest);
        const [stat, list] = [bucket.stat.bind(bucket), bucket.list.bind(bucket)];
        let [isAsked, isHeld, failed] = [false, true, 0];
        bucket.stat = async (key, asking) => {
          if (key !== keys.catalog(secret) || isAsked) return stat(key, asking);
          isAsked = true;
          while (isHeld) await clock.sleep(100, asking);
          return stat(key, asking);
        };
        await start(bucket, ownLine);
        await until(() => isAsked);
        ownLine.cut();
        await start();
        await put(excluded);
        await until(async () => (await known()) === primary.reader.head.seq);
        bucket.list = async (request, listing) => {
          if (request.prefix.startsWith(`tags/${secret}`) && failed < failures) {
            failed += 1;
            throw new StorageError('unavailable', { driver: 'memory', operation: 'list', key: request.prefix });
          }
          return list(request, listing);
        };
        isHeld = false;
        await clock.advance(10_000);
        expect([await replica.catalog.has(secret, signal), failed]).toEqual([false, failures]);
      },
    );

    it('loses what such a process applied and died', async () => {
      const digest = await push(secret, 'image', ['v1']);
      const first = await start();
      await put(excluded);
      await caughtUp(first);
      const manifest = primary.manifest('secret/app image', {});
      await applyEntry(replica, { ...manifest, repository: secret, seq: 1, epoch: 1, timeMs: 1, tags: [] }, signal);
      expect(await shows(secret, digest)).toBe(true);
      await settled(first.stop(1_000));
      await start();
      await until(async () => !(await shows(secret, digest)));
    });

    it('does not say that the region follows what it gives back before it has what the others left out', async () => {
      class Lagging extends PrimaryLink {
        upTo = 1;
        isCut = false;
        override async *journal(after: number, reading: AbortSignal) {
          for await (const message of super.journal(after, reading)) {
            while (message.kind === 'entry' && message.entry.seq > this.upTo) {
              // What is held back has to hear of a cut by itself.
              if (this.isCut) throw new Error('the link is cut');
              await clock.sleep(100, reading);
            }
            yield message;
          }
        }
      }
      await put(excluded);
      const lagging = new Lagging(primary, clock);
      const [behind, ahead] = [await start(bucket, lagging), await start()];
      await Promise.all([caughtUp(behind), caughtUp(ahead)]);
      const image = await push(secret, 'image', ['v1']);
      await caughtUp(ahead);
      await clock.advance(1_000);
      await settled(ahead.stop(1_000));
      await put();
      lagging.isCut = true;
      await clock.advance(200);
      lagging.isCut = false;
      await clock.advance(10_000);
      expect((await replica.policies.enforced(signal))?.seq).toBe(1);
      lagging.upTo = Number.POSITIVE_INFINITY;
      await caughtUp(behind);
      expect(await shows(secret, image)).toBe(true);
    });

    it('gets back what the others took by rules that it never heard of', async () => {
      const digest = await push(secret, 'image', ['v1']);
      const [ownLine, last] = [new PrimaryLink(primary, clock), await start()];
      await caughtUp(last);
      const behind = await start(bucket, ownLine);
      await caughtUp(behind);
      ownLine.cut();
      // What this one gives back cannot come, so it is not finished when the next one comes.
      const blob = await primary.blob('another layer');
      link.stuck.add(blob.digest);
      await put({ ...excluded, repositories: 'open/**' });
      await push(open, 'image', ['v1'], { blobs: [blob] });
      await caughtUp(last);
      await put(excluded);
      await until(async () => !(await shows(secret, digest)));
      await settled(last.stop(1_000));
      await put();
      link.stuck.clear();
      ownLine.heal();
      await until(async () => (await known()) === primary.reader.head.seq);
      expect([await shows(secret, digest), await tagsOf(open)]).toEqual([true, ['v1']]);
    });

    it('gets back what the others had finished taking', async () => {
      const digest = await push(secret, 'image', ['v1']);
      const [ownLine, last] = [new PrimaryLink(primary, clock), await start()];
      const behind = await start(bucket, ownLine);
      await Promise.all([caughtUp(last), caughtUp(behind)]);
      ownLine.cut();
      await put(excluded);
      await caughtUp(last);
      await settled(last.stop(1_000));
      await put();
      ownLine.heal();
      await until(async () => (await known()) === primary.reader.head.seq);
      expect([await shows(secret, digest), await tagsOf(secret)]).toEqual([true, ['v1']]);
    });
  });

  it('ends a copy that runs when the policy takes its blob away', async () => {
    const blob = await primary.blob('a secret');
    link.withheld.add(blob.digest);
    const replicator = await start();
    await push(secret, 'image', ['v1'], { blobs: [blob] });
    await until(() => replicator.progress().backlog.bytes > 0);
    await put(excluded);
    await caughtUp(replicator);
    link.withheld.delete(blob.digest);
    await clock.advance(20_000);
    expect(link.opened).not.toContain(blob.digest);
    expect(await holds(blob)).toBe(false);
  });

  it('shows an image on demand without its blobs, and has its blobs when they are wanted after all', async () => {
    await put({ ...excluded, action: 'on-demand' });
    const replicator = await start();
    const blob = await primary.blob('big');
    const digest = await push(secret, 'image', ['v1'], { blobs: [blob] });
    await caughtUp(replicator);
    expect([await shows(secret, digest), await holds(blob), await tagsOf(secret)]).toEqual([true, false, ['v1']]);
    await put();
    await caughtUp(replicator);
    expect(await holds(blob)).toBe(true);
  });

  it('keeps the newest tags alone, with what belongs to them', async () => {
    await put({ regions: ['*'], repositories: 'open/*', action: 'include', newest: 2 });
    const replicator = await start();
    const child = await push(open, 'child', []);
    const first = await push(open, 'first', ['v1'], { children: [child] });
    const second = await push(open, 'second', ['v2'], { children: [child] });
    await caughtUp(replicator);
    await push(open, 'third', ['v3']);
    await caughtUp(replicator);
    expect(await tagsOf(open)).toEqual(['v2', 'v3']);
    expect([await shows(open, first), await shows(open, second), await shows(open, child)]).toEqual([
      false,
      true,
      true,
    ]);
    await push(open, 'fourth', ['v4']);
    await caughtUp(replicator);
    expect([await shows(open, second), await shows(open, child)]).toEqual([false, false]);
  });

  it('copies the blobs of the children of an index that is kept, though these have no tag', async () => {
    const kept = { regions: ['ap'], repositories: '**', tags: 'v*', action: 'include' };
    await put(kept, { ...excluded, repositories: '**' });
    const replicator = await start();
    const [wanted, unwanted] = [await primary.blob('wanted'), await primary.blob('unwanted')];
    const child = await push(open, 'child', [], { blobs: [wanted] });
    const dev = await push(open, 'dev', ['dev'], { blobs: [unwanted] });
    const index = await push(open, 'index', ['v1'], { blobs: [], children: [child] });
    await caughtUp(replicator);
    expect([await shows(open, index), await shows(open, child), await shows(open, dev)]).toEqual([true, true, false]);
    expect([await holds(wanted), await holds(unwanted)]).toEqual([true, false]);
  });

  it('is where it should be after a crash at any write while the policy changes', async () => {
    for (let crash = 1; ; crash += 1) {
      const moment = crash % 2 === 0 ? 'before' : 'after';
      bucket = new MemoryObjectStore({ clock });
      replica = openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });
      primary = await MemoryPrimary.open(clock, new SeededRandom(crash));
      link = new PrimaryLink(primary, clock);
      const gone = await push(secret, 'image', ['v1']);
      await push(open, 'image', ['v1']);
      await caughtUp(await start());
      await Promise.all(running.splice(0).map((each) => settled(each.stop(1_000))));
      await put(excluded, { ...excluded, repositories: 'other' });
      const dying = new DyingObjectStore(bucket, Math.ceil(crash / 2), moment);
      await start(dying).catch(() => undefined);
      await clock.advance(5_000);
      const died = dying.dead;
      await Promise.all(running.splice(0).map((each) => settled(each.stop(1_000))));
      await caughtUp(await start());
      expect([await shows(secret, gone), await tagsOf(secret), await tagsOf(open)]).toEqual([false, [], ['v1']]);
      await put();
      await caughtUp(running[0] as Replicator);
      expect([await shows(secret, gone), await tagsOf(secret)]).toEqual([true, ['v1']]);
      await Promise.all([...running.splice(0).map((each) => settled(each.stop(1_000))), settled(primary.close())]);
      if (died) continue;
      expect(crash).toBeGreaterThan(10);
      return;
    }
  });
});
