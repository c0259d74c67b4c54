import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Digest, parseTag } from '#libs/oci';
import { openRegionContent, type RegionContent } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { MemoryQueueJobs, MemoryReplicationQueue } from './memory-replication-queue.js';
import { ProgressStore } from './progress-store.js';
import { Replicator } from './replicator.js';
import { MemoryPrimary, repository } from './testing/memory-primary.js';
import { PrimaryLink } from './testing/primary-link.js';

const signal = new AbortController().signal;

/** More than a region takes in at once. */
const IMAGES = 120;

describe('an image that clients ask for before it is here', () => {
  let clock: FakeClock;
  let primary: MemoryPrimary;
  let link: PrimaryLink;
  let replica: RegionContent;
  let replicator: Replicator;
  let images: Digest[];

  beforeEach(async () => {
    clock = new FakeClock();
    primary = await MemoryPrimary.open(clock, new SeededRandom(1));
    link = new PrimaryLink(primary, clock);
    const store = new MemoryObjectStore({ clock });
    replica = openRegionContent({ store, clock, random: new SeededRandom(9) });
    const random = new SeededRandom(2);
    const copier = new Copier({
      ...{ store, blobs: replica.blobs, sources: [link.client], scratch: new MemoryCopyScratch() },
      ...{ onBytes: () => undefined, clock, random },
    });
    replicator = new Replicator({
      ...{ region: link.region, source: link, content: replica, copyConcurrency: 1, windowEntries: 200, clock, random },
      queue: new MemoryReplicationQueue(new MemoryQueueJobs(), { clock, random }),
      // All through the queue.
      directBytes: 1,
      copy: (job, copying) => copier.copy(job, copying),
      progress: new ProgressStore({ store, random }),
      observer: { onProgress: () => undefined, onApplied: () => undefined, onRetry: () => undefined },
    });
    images = [];
    for (let n = 0; n < IMAGES; n += 1)
      images.push(await primary.image(`${n}`, [await primary.blob(`layer of ${n}`)], `v${n}`));
  });

  afterEach(async () => {
    link.stuck.clear();
    await passing(replicator.stop(1_000));
    await passing(primary.close());
  });

  async function passing(ending: Promise<unknown>): Promise<void> {
    let ended = false;
    ending.finally(() => {
      ended = true;
    });
    for (let turn = 0; turn < 200 && !ended; turn += 1) await clock.advance(100);
  }

  const shown = async (n: number) =>
    (await replica.tags.get(repository, parseTag(`v${n}`), signal))?.value === images[n];

  const pull = (n: number) => {
    const digest = images[n];
    if (digest !== undefined) replicator.imagePulled({ repository, digest });
  };

  /** Each blob is on its way for good, but that of one image. */
  async function holdAllBut(n: number): Promise<void> {
    for (const digest of images) {
      const found = await primary.content.manifests.find(repository, digest, signal);
      for (const blob of found?.blobs ?? []) if (digest !== images[n]) link.stuck.add(blob.digest);
    }
  }

  async function until(condition: () => Promise<boolean>): Promise<boolean> {
    for (let turn = 0; turn < 60; turn += 1) {
      if (await condition()) return true;
      await clock.advance(100);
    }
    return false;
  }

  it('does not wait behind what the queue holds', async () => {
    await holdAllBut(70);
    await replicator.start(signal);
    expect(await until(() => shown(70))).toBe(false);
    pull(70);
    expect(await until(() => shown(70))).toBe(true);
  });

  it('comes first of a snapshot, though it is old', async () => {
    await primary.snapshot();
    await holdAllBut(3);
    pull(3);
    await replicator.start(signal);
    expect(await until(() => shown(3))).toBe(true);
    expect(await shown(IMAGES - 1)).toBe(false);
  });
});
