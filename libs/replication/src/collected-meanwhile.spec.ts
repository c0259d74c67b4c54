import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type BlobDescriptor, digestOf, parseTag } from '#libs/oci';
import { Collector, entryReferences, localSweeper, openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import { Replicator } from './replicator.js';
import { MemoryPrimary, repository } from './testing/memory-primary.js';
import { PrimaryLink } from './testing/primary-link.js';

const signal = new AbortController().signal;

const GRACE_MS = 5_000;

describe('a blob that another process of the region collects, for it has not heard of the image', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let bucket: MemoryObjectStore;
  /** What a question to the bucket begins with that is not answered. */
  let hung: string | undefined;
  let replica: RegionContent;
  let replicator: Replicator;

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    bucket = new MemoryObjectStore({ clock });
    hung = undefined;
    const [store, random] = [hanging(bucket), new SeededRandom(2)];
    replica = openRegionContent({ store, clock, random, adoptWithinMs: GRACE_MS / 4 });
    const copier = new Copier({
      ...{ store, blobs: replica.blobs, sources: [link.client], scratch: new MemoryCopyScratch() },
      ...{ onBytes: () => undefined, clock, random },
    });
    replicator = new Replicator({
      ...{ region: link.region, source: link, content: replica, copyConcurrency: 2, windowEntries: 100, clock, random },
      queue: new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random }),
      copy: (job, copying) => copier.copy(job, copying),
      progress: new ProgressStore({ store: bucket, random }),
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
    });
  });

  afterEach(async () => {
    link.stuck.clear();
    hung = undefined;
    await passing(replicator.stop(1_000));
    await passing(primary.close());
  });

  /** The same bucket, of which some questions hang for as long as they are named. */
  function hanging(store: MemoryObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return async (...question: unknown[]): Promise<unknown> => {
          const text = `${String(name)} ${String(question[0])}`;
          while (hung !== undefined && text.startsWith(hung)) await clock.sleep(100, signal);
          return value.apply(target, question) as unknown;
        };
      },
    });
  }

  async function passing(ending: Promise<unknown>): Promise<void> {
    let ended = false;
    ending.finally(() => {
      ended = true;
    });
    for (let turn = 0; turn < 200 && !ended; turn += 1) await clock.advance(100);
  }

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < 60_000; waited += 50) {
      if (await condition()) return;
      await clock.advance(50);
    }
    throw new Error('it never came to be');
  }

  /** What is in the bucket, without a promise to whoever asks. */
  async function isHere({ digest }: BlobDescriptor): Promise<boolean> {
    const found = await replica.blobs.records.inspect(digest, signal);
    return found?.header.state === 'live';
  }

  async function isShown(tag: string): Promise<boolean> {
    const content = openRegionContent({ store: bucket, clock, random: new SeededRandom(9) });
    return (await content.tags.get(repository, parseTag(tag), signal))?.value !== undefined;
  }

  /** The other process puts on notice what it knows no need of, and takes it away a grace time later. */
  async function collect(): Promise<void> {
    const random = new SeededRandom(3);
    const content = openRegionContent({ store: bucket, clock, random });
    const collector = new Collector({
      ...{ store: bucket, content, clock, random, graceMs: GRACE_MS, ownsLinks: false, maxShare: 1, name: 'another' },
      pending: entryReferences(() => []),
      sweeper: localSweeper(content.blobs),
      uploads: { idleMs: 60_000, maxAgeMs: 600_000 },
      onFinished: () => undefined,
    });
    await collector.runCycle(signal);
    await clock.advance(GRACE_MS);
    await collector.runCycle(signal);
  }

  const ways = [
    ['the journal', () => Promise.resolve()],
    ['a snapshot', async () => void (await primary.snapshot())],
  ] as const;

  it.each(ways)('is here again before an image of %s is shown that waited for another one', async (_way, prepare) => {
    const [early, late] = [await primary.blob('early'), await primary.blob('late')];
    link.stuck.add(late.digest);
    await primary.image('both', [early, late], 'v1');
    await prepare();
    await replicator.start(signal);
    await until(() => isHere(early));
    await collect();
    expect(await isHere(early)).toBe(false);
    link.stuck.clear();
    await until(() => isShown('v1'));
    expect([await isHere(early), await isHere(late)]).toEqual([true, true]);
  });

  it.each(ways)('comes back when it took too long to show an image of %s', async (_way, prepare) => {
    const blob = await primary.blob('layer');
    const image = await primary.image('slow', [blob], 'v1');
    await prepare();
    hung = `put ${keys.manifest(repository, image)}`;
    await replicator.start(signal);
    await until(() => isHere(blob));
    await clock.advance(1_000);
    await collect();
    expect(await isHere(blob)).toBe(false);
    hung = undefined;
    await until(() => replicator.progress().watermark === 1 && replicator.progress().bootstrap === undefined);
    expect([await isShown('v1'), await isHere(blob)]).toEqual([true, true]);
  });

  it('does not count as here for having come while something else was looked for', async () => {
    await replicator.start(signal);
    hung = `read ${keys.manifest(repository, digestOf('image hung'))}`;
    await primary.image('hung', []);
    await until(() => replicator.progress().head === 1);
    const blob = await primary.blob('layer');
    await replica.blobs.ingest(blob, Readable.from([Buffer.from('layer')]), signal);
    replicator.blobArrived(blob.digest);
    await collect();
    expect(await isHere(blob)).toBe(false);
    await primary.image('of the layer', [blob], 'v1');
    await until(() => isShown('v1'));
    expect(await isHere(blob)).toBe(true);
  });
});
