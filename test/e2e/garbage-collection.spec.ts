import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { expectStatus, OciClient, sampleImage } from '../support/oci-client.js';
import { type SingleRegion, startSingleRegion } from '../support/single-region.js';
import { waitFor } from '../support/wait-for.js';

const GRACE_MS = 1_000;
const LAYER_BYTES = 100_000;

interface Tally {
  readonly condemned: number;
  readonly removed: number;
}

interface Report {
  readonly cycle: string;
  readonly outcome: string;
  readonly kinds: Readonly<Record<'blobs' | 'links' | 'data', Tally>>;
}

let region: SingleRegion;

beforeAll(async () => {
  region = await startSingleRegion({ settings: { gc: { graceMs: GRACE_MS, intervalMs: 0 } } });
}, 60_000);

afterAll(async () => {
  await region?.stop();
}, 60_000);

it('frees the bytes of a deleted manifest, while everything else can be pulled', async () => {
  const client = new OciClient(region.registry);
  const shared = randomBytes(LAYER_BYTES);
  const kept = sampleImage('kept', [shared, randomBytes(LAYER_BYTES)]);
  const left = sampleImage('left', [shared, randomBytes(LAYER_BYTES)]);
  await client.pushImage('e2e/gc', kept, 'kept');
  await client.pushImage('e2e/gc', left, 'left');
  const before = await dataObjects();
  await expectStatus(await client.request(`/v2/e2e/gc/manifests/${left.manifest.digest}`, { method: 'DELETE' }), 202);

  expect((await collect('?dryRun=true')).kinds.blobs).toMatchObject({ condemned: 2, removed: 0 });
  expect((await collect()).kinds).toMatchObject({ blobs: { condemned: 2 }, links: { condemned: 2 } });
  expect(await client.pullWhole('e2e/gc', 'kept')).toBe(kept.manifest.digest);
  // By the store's own clock: until the grace time is over, nothing goes, however often it is asked for.
  const swept = async () => ((await collect()).kinds.blobs.removed > 0 ? true : undefined);
  await waitFor(swept, { what: 'the grace time to end', withinMs: 20_000 });
  // Its layer's; the config was in its record, which tells of no bytes any more.
  expect(before.length - (await dataObjects()).length).toBe(1);
  for (const { digest } of left.blobs) {
    const status = kept.blobs.some((blob) => blob.digest === digest) ? 200 : 404;
    await expectStatus(await client.request(`/v2/e2e/gc/blobs/${digest}`, { method: 'HEAD' }), status);
  }
  expect(await client.pullWhole('e2e/gc', 'kept')).toBe(kept.manifest.digest);

  await client.pushImage('e2e/gc', left, 'again');
  expect(await client.pullWhole('e2e/gc', 'again')).toBe(left.manifest.digest);
});

/** Runs one collection to its end and says what it did. */
async function collect(query = ''): Promise<Report> {
  const url = `${region.admin}/admin/v1/gc`;
  const begun = await fetch(`${url}${query}`, { method: 'POST' });
  await expectStatus(begun, 202);
  const { cycle } = (await begun.json()) as Report;
  return waitFor(
    async () => {
      const { here } = (await (await fetch(url)).json()) as { here: Report };
      return here.cycle === cycle && here.outcome !== 'running' ? here : undefined;
    },
    { what: 'the collection to end', withinMs: 20_000 },
  );
}

/** The keys below `data/` in the bucket's directory. */
async function dataObjects(): Promise<readonly string[]> {
  return readdir(join(region.bucketDirectory, 'objects', 'd', 'data', 'o'));
}
