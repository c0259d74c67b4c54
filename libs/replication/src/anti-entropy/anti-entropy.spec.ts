import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseGlob } from '#libs/geo';
import { type Digest, digestOf, parseTag } from '#libs/oci';
import { LocalSummary, openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { Copier } from '../copier.js';
import { entryAt } from '../journal-source.js';
import { MemoryCopyScratch } from '../memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from '../memory-replication-queue.js';
import { ProgressStore } from '../progress-store.js';
import { Replicator } from '../replicator.js';
import { MemoryPrimary, repository } from '../testing/memory-primary.js';
import { PrimaryLink } from '../testing/primary-link.js';
import { AntiEntropy, type AntiEntropyReport, lastAntiEntropy } from './index.js';

const signal = new AbortController().signal;

describe('a replica that compares itself with the primary', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: MemoryObjectStore;
  let replica: RegionContent;
  let replicator: Replicator;
  let antiEntropy: AntiEntropy;

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new MemoryObjectStore({ clock });
    const random = new SeededRandom(9);
    replica = openRegionContent({ store: bucket, clock, random });
    const copier = new Copier({
      ...{ store: bucket, blobs: replica.blobs, sources: [link.client], scratch: new MemoryCopyScratch() },
      ...{ onBytes: () => undefined, clock, random },
    });
    replicator = new Replicator({
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
    const pace = { objectsPerSecond: 1e12, rateBytesPerSecond: 1e12, clock };
    const upTo = async () => ({ seq: replicator.progress().watermark, epoch: 1 });
    antiEntropy = new AntiEntropy({
      ...{ store: bucket, content: replica, region: link.region, clock, random, name: 'a test' },
      primary: new LocalSummary({
        ...{ ...pace, store: primary.store, content: primary.content },
        upTo: (asking) => primary.journal.settled(asking),
      }),
      local: new LocalSummary({ ...pace, store: bucket, content: replica, region: link.region, upTo }),
      isFilling: () => replicator.progress().bootstrap !== undefined,
      apply: (entry, applying) => replicator.applyAgain(entry, applying),
      entryAt: (seq, looking) => entryAt(link, seq, looking),
      onDifference: () => undefined,
      onMendError: (_difference, error) => {
        throw error;
      },
      onFinished: () => undefined,
    });
  });

  afterEach(async () => {
    await passing(replicator.stop(1_000));
    await passing(primary.close());
  });

  async function passing<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    for (let turn = 0; turn < 1_000 && !ended; turn += 1) await clock.advance(100);
    return work;
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let turn = 0; turn < 1_000 && !condition(); turn += 1) await clock.advance(50);
    expect(condition()).toBe(true);
  }

  const caughtUp = () => until(() => replicator.progress().watermark === primary.reader.head.seq);

  const round = (): Promise<AntiEntropyReport> => passing(antiEntropy.run(signal, undefined, () => undefined));

  /** What a bucket says of manifests, tags, referrers and links, to the byte; and which blobs are there. */
  async function stateOf(store: MemoryObjectStore): Promise<Record<string, string>> {
    const state: Record<string, string> = {};
    for (const prefix of ['catalog/', 'links/', 'manifests/', 'tags/', 'referrers/']) {
      for (const { key } of (await store.list({ prefix, limit: 1_000 }, signal)).objects) {
        state[key] = Buffer.from((await store.read(key, signal))?.bytes ?? []).toString();
      }
    }
    for (const { key } of (await store.list({ prefix: 'blobs/', limit: 1_000 }, signal)).objects) state[key] = 'here';
    return state;
  }

  async function expectEqual(): Promise<void> {
    expect(await stateOf(bucket)).toEqual(await stateOf(primary.store));
  }

  let images: Record<'one' | 'two' | 'gone', Digest>;
  let index: Digest;
  let signature: Digest;

  /** Images that share a blob, an index, a referrer, a tag that moved and one that was deleted. */
  async function history(): Promise<void> {
    const shared = await primary.blob('shared');
    const one = await primary.image('one', [shared, await primary.blob('own one')], 'v1', 'latest');
    const two = await primary.image('two', [shared, await primary.blob('own two')], 'v2', 'latest');
    const gone = await primary.image('gone', [shared], 'gone');
    images = { one, two, gone };
    index = await primary.index('all', [one, two], 'all');
    const refers = { ...primary.manifest('signature', { blobs: [await primary.blob('signed')] }), subject: one };
    await primary.append({ ...refers, tags: [] });
    signature = refers.digest;
    await primary.deleteManifest(gone, 'gone');
    await replicator.start(signal);
    await caughtUp();
  }

  const tagKey = (name: string) => keys.tag(repository, parseTag(name));
  const manifestKey = (digest: Digest) => keys.manifest(repository, digest);

  it('finds nothing where nothing is wrong, while pushes go on', async () => {
    await history();
    await expectEqual();
    const running = round();
    await primary.image('meanwhile', [await primary.blob('later')], 'latest', 'v9');
    expect(await running).toMatchObject({ outcome: 'done', differences: 0, repositories: 0 });
    expect(await lastAntiEntropy(bucket, signal)).toMatchObject({ outcome: 'done' });
  });

  const remove = (key: () => string) => () => bucket.delete(key(), signal);
  const replace = (key: () => string, text: string) => async () => {
    await bucket.put(key(), Buffer.from(text), { signal });
  };

  it.each<[string, () => Promise<unknown>]>([
    ['a tag', remove(() => tagKey('v1'))],
    ['a manifest', remove(() => manifestKey(images.one))],
    [
      'a manifest that an index leads to, and that index',
      async () => {
        await bucket.delete(manifestKey(images.one), signal);
        await bucket.delete(manifestKey(index), signal);
      },
    ],
    ['the list of referrers', remove(() => keys.referrers(repository, images.one))],
    ['a link', remove(() => keys.link(repository, digestOf('own one')))],
    ['a link, which what is deleted by now had given last,', remove(() => keys.link(repository, digestOf('shared')))],
    ['a link, behind which is nonsense now,', replace(() => keys.link(repository, digestOf('shared')), 'nonsense')],
    [
      'a link, of which a repair that died noted only the place,',
      replace(() => keys.link(repository, digestOf('shared')), '{"seq":3,"evicted":true}'),
    ],
    ['a blob', remove(() => keys.blob(digestOf('own one')))],
    ['the name of the repository', remove(() => keys.catalog(repository))],
    [
      'everything of the repository',
      async () => {
        for (const key of Object.keys(await stateOf(bucket))) await bucket.delete(key, signal);
      },
    ],
  ])('brings back %s that was lost', async (_what, harm) => {
    await history();
    const tombstones = (await stateOf(primary.store))[tagKey('gone')];
    await harm();
    const report = await round();
    expect(report).toMatchObject({ outcome: 'done', repaired: report.differences });
    expect(report.differences).toBeGreaterThan(0);
    expect(await round()).toMatchObject({ findings: [] });
    const [now, expected] = [await stateOf(bucket), await stateOf(primary.store)];
    // What is deleted is as good as what never was.
    const dead = Object.keys(expected).filter((key) => expected[key] === tombstones || !expected[key]?.includes('{"'));
    for (const key of [...dead, manifestKey(images.gone)]) {
      delete now[key];
      delete expected[key];
    }
    expect(now).toEqual(expected);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'a tag that points elsewhere',
      replace(() => tagKey('v1'), JSON.stringify({ seq: 1, digest: digestOf('image two') })),
    ],
    ['a tag of a later entry', replace(() => tagKey('v1'), JSON.stringify({ seq: 2, digest: digestOf('image two') }))],
    ['a tag that is nonsense', replace(() => tagKey('v1'), 'nonsense')],
    ['a deleted tag', replace(() => tagKey('v1'), '{"seq":5}')],
    [
      'a tag that should be deleted',
      replace(() => tagKey('gone'), JSON.stringify({ seq: 3, digest: digestOf('image two') })),
    ],
    ['a tag that never was', replace(() => tagKey('never'), JSON.stringify({ seq: 3, digest: digestOf('image two') }))],
    [
      'other bytes of a manifest',
      async () => {
        const bytes = Buffer.from((await bucket.read(manifestKey(images.one), signal))?.bytes ?? []);
        bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
        await bucket.put(manifestKey(images.one), bytes, { signal });
      },
    ],
    [
      'a manifest that never was',
      async () => {
        const bytes = (await bucket.read(manifestKey(images.one), signal))?.bytes ?? Buffer.from('');
        const text = Buffer.from(bytes).toString().replace('image one', 'image no');
        await bucket.put(manifestKey(digestOf('image no')), Buffer.from(text), { signal });
      },
    ],
    ['a list of referrers that is nonsense', replace(() => keys.referrers(repository, images.one), '[')],
    [
      'a list of referrers that names another',
      replace(
        () => keys.referrers(repository, images.one),
        '[{"seq":2,"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","descriptor":{}}]',
      ),
    ],
  ])('takes away %s, and puts right what should be there', async (_what, harm) => {
    await history();
    const before = await stateOf(bucket);
    await harm();
    const report = await round();
    expect(report).toMatchObject({ outcome: 'done', repaired: report.differences });
    expect(report.differences).toBeGreaterThan(0);
    expect(await round()).toMatchObject({ differences: 0 });
    const shown = (state: Readonly<Record<string, string>>) =>
      Object.entries(state)
        .filter(([, text]) => /digest|blobs|here|live/.test(text))
        .map(([key]) => key);
    expect(shown(await stateOf(bucket)).filter((key) => !key.startsWith('referrers/'))).toEqual(
      shown(before).filter((key) => !key.startsWith('referrers/')),
    );
    for (const tag of ['v1', 'latest']) {
      const [here, there] = [replica, primary.content].map(({ tags }) => tags.get(repository, parseTag(tag), signal));
      expect(await here).toEqual(await there);
    }
    const referrers = await replica.referrers.list(repository, images.one, signal);
    expect(referrers.map(({ digest }) => digest)).toEqual([signature]);
  });

  it('brings back no blob that was deleted, though its tombstone is lost and a manifest names it', async () => {
    await history();
    await primary.append({ type: 'blob.delete', repository, digest: digestOf('own one') });
    await caughtUp();
    const key = keys.link(repository, digestOf('own one'));
    await bucket.delete(key, signal);
    expect(await round()).toMatchObject({ outcome: 'done', differences: 1, repaired: 1 });
    expect(await replica.links.has(repository, digestOf('own one'), signal)).toBe(false);
    await expectEqual();
    expect(await round()).toMatchObject({ differences: 0 });
  });

  it('takes no link for deleted by an entry that has not come yet', async () => {
    await history();
    await bucket.delete(keys.link(repository, digestOf('own one')), signal);
    link.cut();
    await primary.append({ type: 'blob.delete', repository, digest: digestOf('own one') });
    expect(await round()).toMatchObject({ outcome: 'done', differences: 1, repaired: 1 });
    expect(await replica.links.inspect(repository, digestOf('own one'), signal)).toMatchObject({ seq: 1, value: {} });
  });

  it('leaves what the primary itself has lost, and says so', async () => {
    await history();
    const key = tagKey('v1');
    const held = (await bucket.read(key, signal))?.bytes;
    await primary.store.delete(key, signal);
    const report = await round();
    expect(report).toMatchObject({ outcome: 'done', differences: 1, repaired: 0 });
    expect(report.findings).toEqual([{ kind: 'extra', repository, name: 'tag v1', repaired: false }]);
    expect((await bucket.read(key, signal))?.bytes).toEqual(held);
  });

  it('does not wait for ever for a blob that nobody gives', async () => {
    await history();
    await bucket.delete(keys.blob(digestOf('own one')), signal);
    link.withheld.add(digestOf('own one'));
    expect(await round()).toMatchObject({ outcome: 'done', differences: 1, repaired: 0 });
    link.withheld.clear();
    await until(() => replicator.progress().backlog.bytes === 0);
    expect(await round()).toMatchObject({ differences: 0 });
  });

  describe('of which it may have a part', () => {
    const name = parseGlob(repository);
    const rule = { regions: ['*'], repositories: name, elsewhere: 'redirect' } as const;

    async function under(rules: readonly object[]): Promise<void> {
      await history();
      await primary.append({ type: 'policy.put', policy: { rules } as never });
      await caughtUp();
      await until(() => replicator.progress().policySeq === primary.reader.head.seq);
    }

    it('misses nothing that it may not have, and brings back what it may', async () => {
      await under([
        { ...rule, tags: parseGlob('v*'), action: 'include' },
        { ...rule, action: 'exclude' },
      ]);
      expect(await round()).toMatchObject({ outcome: 'done', differences: 0 });
      await bucket.delete(tagKey('v1'), signal);
      expect(await round()).toMatchObject({ differences: 1, repaired: 1 });
      expect((await replica.tags.get(repository, parseTag('v1'), signal))?.value).toBe(images.one);
    });

    it('lets go of what it must not have', async () => {
      await under([{ ...rule, action: 'exclude' }]);
      expect(await round()).toMatchObject({ outcome: 'done', differences: 0 });
      await bucket.put(tagKey('v1'), Buffer.from(JSON.stringify({ seq: 1, digest: images.one })), { signal });
      expect(await round()).toMatchObject({ differences: 1, repaired: 1 });
      expect((await replica.tags.get(repository, parseTag('v1'), signal))?.value).toBeUndefined();
    });

    it('misses no blobs that come only with a pull', async () => {
      await history();
      await primary.append({ type: 'policy.put', policy: { rules: [{ ...rule, action: 'on-demand' }] } as never });
      await primary.image('later', [await primary.blob('only there')], 'later');
      await caughtUp();
      expect(await replica.blobs.stat(digestOf('only there'), signal)).toBeUndefined();
      expect(await round()).toMatchObject({ outcome: 'done', differences: 0 });
    });
  });
});
