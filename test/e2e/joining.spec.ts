import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { expectStatus, OciClient, sampleImage } from '../support/oci-client.js';
import { OwnRegions } from '../support/own-regions.js';
import { waitFor } from '../support/wait-for.js';

const LAYER_BYTES = 1_000_000;
const REPOSITORY = 'e2e/joining';

interface Status {
  readonly head: number;
  readonly watermark: number;
  readonly bootstrap?: { readonly images: Done; readonly bytes: Done; readonly estimateSeconds?: number };
}

interface Done {
  readonly done: number;
  readonly total: number;
}

let regions: OwnRegions;
const images = new Map<string, ReturnType<typeof sampleImage>>();

beforeAll(async () => {
  regions = await OwnRegions.create(['one', 'two', 'three'], {
    gc: { graceMs: 1_000, intervalMs: 0 },
    scrub: { intervalMs: 0 },
  });
  await Promise.all(['one', 'two'].map((name) => regions.start(name, ['one', 'two'])));
}, 120_000);

afterAll(async () => {
  await regions?.end();
}, 60_000);

async function push(tag: string): Promise<void> {
  const image = sampleImage(tag, [randomBytes(LAYER_BYTES)]);
  images.set(tag, image);
  await new OciClient(regions.registry('one')).pushImage(REPOSITORY, image, tag);
}

async function ask<T = Status>(region: string, method: string, path: string, body?: object): Promise<T> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${regions.operators(region)}/admin/v1/${path}`, { method, ...content });
  expect(Math.floor(answer.status / 100)).toBe(2);
  return (await answer.json()) as T;
}

async function caughtUp(region: string): Promise<void> {
  const { head } = await ask('one', 'GET', 'status');
  await waitFor(
    async () => {
      const { watermark, bootstrap } = await ask(region, 'GET', 'status');
      return watermark >= head && bootstrap === undefined;
    },
    { what: `${region} to be caught up`, withinMs: 40_000 },
  );
}

/** Everything is there, and here. */
async function expectAll(region: string): Promise<void> {
  const client = new OciClient(regions.registry(region));
  for (const [tag, image] of images) {
    expect(await client.pullWhole(REPOSITORY, tag)).toBe(image.manifest.digest);
    const { headers } = await client.request(`/v2/${REPOSITORY}/manifests/${tag}`, { method: 'HEAD' });
    expect(headers.get('meridian-source')).toBe('local');
  }
}

it('takes in a third region from a snapshot, which says how far it is, while pushes go on', async () => {
  for (const tag of ['a', 'b', 'c', 'd', 'e', 'f']) await push(tag);
  await caughtUp('two');
  await ask('one', 'POST', 'snapshot');
  const all = ['one', 'two', 'three'];
  // Slowly at first: so there is something to see.
  const slowly = { replication: { limits: [{ bytesPerSecond: '600kB' }] } };
  await Promise.all(all.map((name) => regions.start(name, all, name === 'three' ? slowly : {})));
  const seen = await waitFor(
    async () => {
      const { bootstrap } = await ask('three', 'GET', 'status');
      return bootstrap !== undefined && bootstrap.images.total > 0 ? bootstrap : undefined;
    },
    { what: 'the third region to begin', withinMs: 20_000 },
  );
  expect(seen.images).toMatchObject({ total: images.size });
  expect(seen.bytes.total).toBeGreaterThan(images.size * LAYER_BYTES);
  await push('meanwhile');
  await ask('one', 'PUT', 'regions/three/limits', { limits: [] });
  await caughtUp('three');
  await expectAll('three');
}, 90_000);

it('frees the bytes of what was deleted in a replica, by its own collection', async () => {
  const gone = images.get('a')?.manifest.digest ?? '';
  images.delete('a');
  const before = await bytesOf('two');
  const client = new OciClient(regions.registry('one'));
  await expectStatus(await client.request(`/v2/${REPOSITORY}/manifests/${gone}`, { method: 'DELETE' }), 202);
  await caughtUp('two');
  const collect = async (): Promise<void> => {
    const answer = await fetch(`${regions.operators('two', 'replicator')}/admin/v1/gc`, { method: 'POST' });
    await answer.arrayBuffer();
  };
  await waitFor(
    async () => {
      await collect();
      return before - (await bytesOf('two')) >= LAYER_BYTES;
    },
    { what: 'the bytes of a layer to be free', withinMs: 20_000, everyMs: 300 },
  );
  expect(before - (await bytesOf('two'))).toBeLessThan(1.1 * LAYER_BYTES);
  await expectAll('two');
}, 60_000);

/** All that it holds. */
async function bytesOf(region: string): Promise<number> {
  const folder = regions.bucket(region);
  const sizes = (await readdir(folder, { recursive: true })).map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => undefined);
    return found?.isFile() === true ? found.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
