import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { flushRedis, presenceOf, setLink, waitForImage } from '../support/admin-client.js';
import { Cluster } from '../support/cluster.js';
import { OciClient, type SampleImage, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

const REPLICA = 'westeurope';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  // Or the blob comes from there in a moment, once it has it, and nobody is killed in the middle of a copy.
  await setLink(cluster, 'southeastasia', REPLICA, { state: 'cut' });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

async function push(repository: string, count: number, bytes: number): Promise<readonly SampleImage[]> {
  const router = new OciClient(cluster.router);
  const images = Array.from({ length: count }, (_, index) => sampleImage(`${index}`, [randomBytes(bytes)]));
  await Promise.all(images.map((image, index) => router.pushImage(repository, image, `${index}`)));
  return images;
}

async function expectEverywhere(repository: string, images: readonly SampleImage[]): Promise<void> {
  for (const [index, image] of images.entries()) {
    await waitForImage(cluster, repository, `${index}`);
    for (const { registry } of cluster.regions) {
      expect(await new OciClient(registry).pullWhole(repository, `${index}`)).toBe(image.manifest.digest);
    }
  }
}

/** Bytes that came over the link from the primary. */
async function bytesTo(region: string): Promise<number> {
  const response = await fetch(new URL('/bytes', cluster.wan));
  const { links } = (await response.json()) as { links: { from: string; to: string; back: number }[] };
  return links.find(({ from, to }) => from === region && to === 'eastus')?.back ?? 0;
}

describe('nothing is lost', () => {
  it('when the replicator is killed in the middle of a copy', async () => {
    await setLink(cluster, 'eastus', REPLICA, { megabitsPerSecond: 8 });
    const images = await push('faults/killed', 1, 6_000_000);
    await waitFor(
      async () => {
        const all = await presenceOf(cluster, 'faults/killed', '0');
        const found = all.find(({ region }) => region === REPLICA);
        return found !== undefined && found.state === 'copying' && found.bytes.done > 100_000;
      },
      { what: 'the copy to be under way', withinMs: 20_000 },
    );
    await cluster.refresh();
    const pid = cluster.region(REPLICA).pids?.replicator;
    expect(pid).toBeDefined();
    process.kill(pid ?? 0, 'SIGKILL');
    await setLink(cluster, 'eastus', REPLICA, { megabitsPerSecond: 200 });
    await expectEverywhere('faults/killed', images);
  });

  it('when the replicator is killed again and again, and hardly a byte of the blob crosses twice', async () => {
    const bytes = 32_000_000;
    const before = await bytesTo(REPLICA);
    await setLink(cluster, 'eastus', REPLICA, { megabitsPerSecond: 40 });
    const images = await push('faults/resumed', 1, bytes);
    const kills = [0.2, 0.5, 0.8];
    for (const share of kills) {
      await waitFor(async () => (await bytesTo(REPLICA)) - before > share * bytes, {
        what: `${share} of the blob to have come`,
        withinMs: 30_000,
      });
      await cluster.refresh();
      process.kill(cluster.region(REPLICA).pids?.replicator ?? 0, 'SIGKILL');
    }
    await expectEverywhere('faults/resumed', images);
    // Lost is what a killed process had not read yet. For 256 MB and five kills this is a ratio of 1.02.
    expect(((await bytesTo(REPLICA)) - before - bytes) / kills.length).toBeLessThan(1_000_000);
  }, 90_000);

  it('when the Redis of a region forgets everything, again and again, during pushes', async () => {
    const flushing = (async () => {
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(cluster.regions.map(flushRedis));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const images = await push('faults/flushed', 20, 200_000);
    await flushing;
    await expectEverywhere('faults/flushed', images);
  });

  it('when a registry process is killed between pushes', async () => {
    const before = await push('faults/registry', 5, 10_000);
    await cluster.refresh();
    process.kill(cluster.primary.pid ?? 0, 'SIGKILL');
    await waitFor(async () => (await fetch(`${cluster.primary.registry}/v2/`)).ok, {
      what: 'the primary to answer again',
      withinMs: 30_000,
    });
    await expectEverywhere('faults/registry', before);
  });

  it('when the whole cluster stops and starts again', async () => {
    const images = await push('faults/restarted', 5, 10_000);
    await cluster.restart();
    await expectEverywhere('faults/restarted', images);
  }, 120_000);
});
