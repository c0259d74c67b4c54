import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { presenceOf, setLink, waitForImage } from '../support/admin-client.js';
import { Cluster } from '../support/cluster.js';
import { expectStatus, OciClient, sampleImage, sampleIndex } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

const layer = (bytes = 64 * 1024): Uint8Array => randomBytes(bytes);
const direct = (name: string): OciClient => new OciClient(cluster.region(name).registry);
/** A client in a region, that knows the router only. */
const near = (region: string): OciClient => new OciClient(cluster.router, { 'x-meridian-region': region });

describe('three regions', () => {
  it('give an index that was pushed to the router, digest for digest, from each region', async () => {
    const router = new OciClient(cluster.router);
    const images = ['amd64', 'arm64'].map((name) => sampleImage(name, [layer(), layer()]));
    for (const image of images) await router.pushImage('e2e/multi', image);
    const index = sampleIndex(images);
    await expectStatus(await router.pushManifest('e2e/multi', '1', index), 201);
    await waitForImage(cluster, 'e2e/multi', '1');
    for (const { name } of cluster.regions) expect(await direct(name).pullWhole('e2e/multi', '1')).toBe(index.digest);
  });

  it('send each client to its own region once that has what was pushed', async () => {
    const image = sampleImage('near', [layer()]);
    await new OciClient(cluster.router).pushImage('e2e/near', image, '1');
    await waitForImage(cluster, 'e2e/near', '1');
    for (const { name } of cluster.regions) {
      const served = await waitFor(
        async () => {
          const response = await near(name).request('/v2/e2e/near/manifests/1');
          await response.arrayBuffer();
          return response.headers.get('meridian-region') === name ? response : undefined;
        },
        { what: `${name} to serve its own clients`, withinMs: 10_000 },
      );
      expect(served.headers.get('docker-content-digest')).toBe(image.manifest.digest);
    }
  });

  it('show a push through the router at once to everybody', async () => {
    const router = new OciClient(cluster.router);
    for (let round = 0; round < 5; round += 1) {
      const image = sampleImage(`round ${round}`, [layer()]);
      await router.pushImage('e2e/moving', image, 'latest');
      const seen = await Promise.all(cluster.regions.map(({ name }) => near(name).pullWhole('e2e/moving', 'latest')));
      expect(seen).toEqual(cluster.regions.map(() => image.manifest.digest));
    }
  });

  it('serve at a replica what it has not copied yet', async () => {
    const image = sampleImage('early', [layer(1_000_000)]);
    const [replica] = cluster.replicas;
    await new OciClient(cluster.primary.registry).pushImage('e2e/early', image, '1');
    expect(await direct(replica?.name ?? '').pullWhole('e2e/early', '1')).toBe(image.manifest.digest);
  });

  it('take a push at a replica, which passes it on to the primary', async () => {
    const image = sampleImage('replica', [layer()]);
    await direct('westeurope').pushImage('e2e/at-replica', image, '1');
    expect(await direct('eastus').pullWhole('e2e/at-replica', '1')).toBe(image.manifest.digest);
    await waitForImage(cluster, 'e2e/at-replica', '1');
  });

  it('lose a tag everywhere when it is deleted, and do not get it back', async () => {
    const image = sampleImage('deleted', [layer()]);
    const router = new OciClient(cluster.router);
    await router.pushImage('e2e/deleted', image, '1');
    await waitForImage(cluster, 'e2e/deleted', '1');
    await expectStatus(await router.request('/v2/e2e/deleted/manifests/1', { method: 'DELETE' }), 202);
    for (const { name } of cluster.regions) {
      await expectStatus(await near(name).request('/v2/e2e/deleted/manifests/1'), 404);
      await waitFor(async () => (await direct(name).request('/v2/e2e/deleted/manifests/1')).status === 404, {
        what: `${name} to apply the delete`,
        withinMs: 10_000,
      });
    }
  });

  it('say what is missing while it is, and answer "not yet" when the primary cannot be asked', async () => {
    const slow = { megabitsPerSecond: 4 };
    await setLink(cluster, 'eastus', 'southeastasia', slow);
    await setLink(cluster, 'westeurope', 'southeastasia', slow);
    const image = sampleImage('slow', [layer(16_000_000)]);
    await new OciClient(cluster.primary.registry).pushImage('e2e/slow', image, '1');
    const waiting = await waitFor(
      async () => {
        const all = await presenceOf(cluster, 'e2e/slow', '1');
        return all.find(({ region, state, bytes }) => {
          return region === 'southeastasia' && state === 'copying' && bytes.total > 16_000_000;
        });
      },
      { what: 'southeastasia to say that it is copying', withinMs: 20_000 },
    );
    expect(waiting.bytes.done).toBeLessThan(waiting.bytes.total);
    await setLink(cluster, 'eastus', 'southeastasia', { state: 'cut' });
    await setLink(cluster, 'westeurope', 'southeastasia', { state: 'cut' });
    const response = await direct('southeastasia').request('/v2/e2e/slow/manifests/1');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).not.toBeNull();
    expect(await response.json()).toMatchObject({ errors: [{ code: 'REPLICATION_PENDING' }] });
    // What it has, it serves all the same.
    await expectStatus(await direct('southeastasia').request('/v2/e2e/multi/manifests/1'), 200);

    const restored = { state: 'up', megabitsPerSecond: 200 };
    await setLink(cluster, 'eastus', 'southeastasia', restored);
    await setLink(cluster, 'westeurope', 'southeastasia', restored);
    await waitForImage(cluster, 'e2e/slow', '1');
    expect(await direct('southeastasia').pullWhole('e2e/slow', '1')).toBe(image.manifest.digest);
  });
});
