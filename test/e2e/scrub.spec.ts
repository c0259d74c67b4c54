import { randomBytes } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { waitForImage } from '../support/admin-client.js';
import { Cluster, type ClusterRegion } from '../support/cluster.js';
import { expectStatus, OciClient, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

/** Too large for a record, so that it has a file of its own. */
const LAYER_BYTES = 200_000;

interface Report {
  readonly scrub: string;
  readonly outcome: string;
  readonly damaged: number;
  readonly repaired: number;
  readonly findings: readonly { readonly kind: string; readonly repaired: boolean }[];
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ args: ['--storage', 'filesystem'] });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

it('finds and repairs what was damaged in a replica and in the primary, while every pull is right', async () => {
  const image = sampleImage(
    'scrubbed',
    Array.from({ length: 5 }, () => randomBytes(LAYER_BYTES)),
  );
  await new OciClient(cluster.router).pushImage('e2e/scrub', image, '1');
  await waitForImage(cluster, 'e2e/scrub', '1');
  const [replica] = cluster.replicas;
  if (replica === undefined) throw new Error('there is no replica');
  const flipped = await dataFiles(replica);
  for (const path of flipped.slice(0, 2)) await flipLastByte(path);
  for (const path of flipped.slice(2, 3)) await truncate(path, 100);
  for (const path of (await dataFiles(cluster.primary)).slice(0, 1)) await flipLastByte(path);

  const reports = await Promise.all([
    scrub(new URL(replica.replicatorMetrics).origin),
    scrub(new URL(cluster.primary.admin).origin),
    pulledWhole(replica, image.manifest.digest),
    pulledWhole(cluster.primary, image.manifest.digest),
  ]);
  expect(reports.slice(0, 2)).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }]);
  // Pulls came across some of it first, and repaired it as well: a second scrub finds nothing left.
  const again = [
    await scrub(new URL(replica.replicatorMetrics).origin),
    await scrub(new URL(cluster.primary.admin).origin),
  ];
  expect(again).toMatchObject([{ damaged: 0 }, { damaged: 0 }]);
  for (const region of cluster.regions) await pulledWhole(region, image.manifest.digest);
}, 120_000);

/** A pull that comes across damage breaks off, and never ends well with wrong bytes; the next one is right. */
async function pulledWhole(region: ClusterRegion, digest: string): Promise<void> {
  await waitFor(
    async () => {
      try {
        return (await new OciClient(region.registry).pullWhole('e2e/scrub', '1')) === digest ? true : undefined;
      } catch {
        return undefined;
      }
    },
    { what: `a whole pull in ${region.name}`, withinMs: 30_000 },
  );
}

/** Runs one scrub to its end and says what it found. */
async function scrub(origin: string): Promise<Report> {
  const url = `${origin}/admin/v1/scrub`;
  const begun = await fetch(`${url}?rateBytesPerSecond=50000000`, { method: 'POST' });
  await expectStatus(begun, 202);
  const { scrub: id } = (await begun.json()) as Report;
  return waitFor(
    async () => {
      const { here } = (await (await fetch(url)).json()) as { here: Report };
      return here.scrub === id && here.outcome !== 'running' ? here : undefined;
    },
    { what: 'the scrub to end', withinMs: 30_000 },
  );
}

/** The files that hold the bytes of a region's layers. */
async function dataFiles({ name }: ClusterRegion): Promise<readonly string[]> {
  const directory = join(cluster.directory, 'regions', name, 'bucket', 'objects', 'd', 'data');
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name: file }) => join(parentPath, file))
    .toSorted();
}

async function flipLastByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
