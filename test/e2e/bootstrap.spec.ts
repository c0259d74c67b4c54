import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { waitForImage } from '../support/admin-client.js';
import { Cluster, type ClusterRegion } from '../support/cluster.js';
import { expectStatus, OciClient, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

const IMAGES = 40;

interface Status {
  readonly generation: string;
  readonly watermark: number;
  readonly head: number;
  readonly bootstrap?: object;
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['north', 'south'] });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

const operators = ({ admin }: ClusterRegion, path: string): string => `${new URL(admin).origin}${path}`;

async function status(region: ClusterRegion): Promise<Status> {
  const response = await fetch(operators(region, '/admin/v1/status'));
  await expectStatus(response, 200);
  return (await response.json()) as Status;
}

/** Everything that a region has in its directory, as if somebody had given it another one. */
async function empty(region: string): Promise<void> {
  const directory = join(cluster.directory, 'regions', region);
  for (const name of await readdir(directory, { recursive: true })) {
    if (!name.endsWith('journal') && !name.endsWith('state/progress')) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
  for (const name of await readdir(directory, { recursive: true })) {
    if (!/(^|\/)(blobs|data|links|manifests|tags|referrers|catalog|state|copies)$/.test(name)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

it('fills a region whose bucket was emptied while it runs, while pushes go on', async () => {
  const primary = new OciClient(cluster.primary.registry);
  const images = Array.from({ length: IMAGES }, (_, n) => sampleImage(`${n}`, [randomBytes(4_096)]));
  for (const [n, image] of images.entries()) await primary.pushImage('e2e/fill', image, `v${n}`);
  await waitForImage(cluster, 'e2e/fill', `v${IMAGES - 1}`);
  const taken = await fetch(operators(cluster.primary, '/admin/v1/snapshot'), { method: 'POST' });
  await expectStatus(taken, 200);
  expect(await taken.json()).toMatchObject({ seq: IMAGES, images: IMAGES });

  const south = cluster.region('south');
  const before = await status(south);
  await empty('south');
  const later = sampleImage('later', [randomBytes(4_096)]);
  await primary.pushImage('e2e/fill', later, 'later');
  await waitFor(
    async () => {
      const { generation, watermark, bootstrap } = await status(south);
      return generation !== before.generation && bootstrap === undefined && watermark > IMAGES ? true : undefined;
    },
    { what: 'the region to have filled itself', withinMs: 40_000 },
  );
  const client = new OciClient(south.registry);
  for (const [n, image] of images.entries())
    expect(await client.pullWhole('e2e/fill', `v${n}`)).toBe(image.manifest.digest);
  const source = await client.request('/v2/e2e/fill/manifests/later');
  await source.arrayBuffer();
  expect(source.headers.get('meridian-source')).toBe('local');
  const ready = await fetch(operators(south, '/health/ready'));
  await ready.arrayBuffer();
  expect(ready.status).toBe(200);
});
