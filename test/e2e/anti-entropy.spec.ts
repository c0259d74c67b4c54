import { createPublicKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { digestOf, parseDigest, parseRepositoryName, parseTag } from '#libs/oci';
import { verifyProof } from '#libs/registry';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore, keys } from '#libs/storage';
import { waitForImage } from '../support/admin-client.js';
import { Cluster, type ClusterRegion } from '../support/cluster.js';
import { expectStatus, OciClient, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

interface Report {
  readonly round: string;
  readonly outcome: string;
  readonly differences: number;
  readonly repaired: number;
  readonly findings: readonly { readonly kind: string; readonly name: string; readonly repaired: boolean }[];
}

/** Too large for a record, so that it has an object of its own. */
const LAYER_BYTES = 200_000;

const { signal } = new AbortController();
const repository = parseRepositoryName('e2e/compared');
const images = ['1', '2'].map((name) => sampleImage(name, [randomBytes(LAYER_BYTES)]));

let cluster: Cluster;
let replica: ClusterRegion;
/** The replica's bucket, behind its back. */
let bucket: FilesystemObjectStore;

beforeAll(async () => {
  cluster = await Cluster.start({ args: ['--storage', 'filesystem'] });
  const [first] = cluster.replicas;
  if (first === undefined) throw new Error('there is no replica');
  replica = first;
  const directory = join(cluster.directory, 'regions', replica.name, 'bucket');
  bucket = new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom });
  const client = new OciClient(cluster.router);
  for (const [at, image] of images.entries()) {
    await client.pushImage(repository, image, `v${at + 1}`);
    await waitForImage(cluster, repository, `v${at + 1}`);
  }
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

it('finds and repairs what somebody changed in a replica behind its back, and counts it', async () => {
  expect(await compare()).toMatchObject({ outcome: 'done', differences: 0 });
  expect(await verify()).toMatchObject({ outcome: 'equal', regions: cluster.regions.map(() => ({ state: 'equal' })) });
  const [one, two] = images;
  if (one === undefined || two === undefined) throw new Error('two images are two');
  const [v1, v2] = ['v1', 'v2'].map((tag) => keys.tag(repository, parseTag(tag)));
  const kept = await read(v2);
  await bucket.put(v2 ?? '', await read(v1), { signal });
  await bucket.delete(v1 ?? '', signal);
  const manifest = keys.manifest(repository, parseDigest(one.manifest.digest));
  const header = Buffer.from(await read(manifest))
    .toString()
    .split('\n', 1)[0];
  await bucket.put(keys.manifest(repository, digestOf('{}')), Buffer.from(`${header}\n{}`), { signal });
  await bucket.delete(keys.blob(parseDigest(two.blobs.at(-1)?.digest ?? '')), signal);

  const regions = [replica.name];
  expect(await verify({ regions })).toMatchObject({
    outcome: 'differs',
    regions: [{ region: replica.name, state: 'differs', differing: [{ repository, differences: 4 }] }],
  });

  const report = await compare();
  expect(report).toMatchObject({ outcome: 'done', differences: 4, repaired: 4 });
  expect(report.findings.map(({ kind }) => kind).toSorted()).toEqual(['blobs', 'extra', 'missing', 'wrong']);
  expect(await read(v2)).toEqual(kept);
  expect(await compare()).toMatchObject({ outcome: 'done', differences: 0 });
  expect(await verify({ regions })).toMatchObject({ outcome: 'equal' });
  const metrics = await (await fetch(replica.replicatorMetrics)).text();
  expect(metrics).toMatch(/meridian_anti_entropy_differences_total\{kind="missing",result="repaired",.*\} 1/);
  for (const [at, image] of images.entries()) {
    expect(await new OciClient(replica.registry).pullWhole(repository, `v${at + 1}`)).toBe(image.manifest.digest);
  }
}, 120_000);

it('reads all bytes of a region again when it is asked to prove that they are right', async () => {
  const request = { regions: [replica.name], repositories: 'e2e/*', rehash: true };
  const clean = await verify(request);
  expect(clean).toMatchObject({ outcome: 'equal', regions: [{ rehashed: { blobs: 4 } }] });
  const digest = images[0]?.blobs.find(({ bytes }) => bytes.length === LAYER_BYTES)?.digest ?? '';
  await flipByte(digest);
  expect(await verify(request)).toMatchObject({
    outcome: 'differs',
    regions: [{ differing: [{ names: [expect.stringContaining(digest)] }] }],
  });
  // What was found is fetched anew.
  const right = async () => ((await verify(request)) as { outcome: string }).outcome === 'equal';
  await waitFor(right, { what: 'the region to be whole again', withinMs: 30_000, everyMs: 500 });
}, 120_000);

it('signs what it holds, and refuses when a byte is not what it should be', async () => {
  const { origin } = new URL(replica.admin);
  const proof = (): Promise<Response> =>
    fetch(`${origin}/admin/v1/proof?repository=${repository}&reference=v2&rehash=true`);
  const envelope: unknown = await (await proof()).json();
  const { keys: known } = (await (await fetch(`${origin}/admin/v1/keys`)).json()) as {
    keys: readonly { pem: string }[];
  };
  const publicKeys = known.map(({ pem }) => createPublicKey(pem));
  expect(verifyProof(envelope, publicKeys).predicate).toMatchObject({ region: replica.name, rehashed: true });
  const attached = await fetch(`${new URL(cluster.primary.admin).origin}/admin/v1/proof/attach`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(envelope),
  });
  await expectStatus(attached, 201);
  const { digest } = (await attached.json()) as { digest: string };
  await waitForImage(cluster, repository, digest);
  const subject = images[1]?.manifest.digest;
  const referrers = await new OciClient(replica.registry).request(`/v2/${repository}/referrers/${subject}`);
  expect(await referrers.json()).toMatchObject({ manifests: [{ digest }] });

  const blob = images[1]?.blobs.find(({ bytes }) => bytes.length === LAYER_BYTES)?.digest ?? '';
  await flipByte(blob);
  const refused = await proof();
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining(blob)]);
}, 120_000);

async function flipByte(digest: string): Promise<void> {
  const record = JSON.parse(Buffer.from(await read(keys.blob(parseDigest(digest)))).toString()) as { data: string };
  const bytes = Buffer.from(await read(record.data));
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  await bucket.put(record.data, bytes, { signal });
}

async function verify(request: object = {}): Promise<unknown> {
  const response = await fetch(`${new URL(cluster.primary.admin).origin}/admin/v1/verify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  await expectStatus(response, 200);
  return response.json();
}

/** Runs one comparison to its end. */
async function compare(): Promise<Report> {
  const url = `${new URL(replica.replicatorMetrics).origin}/admin/v1/anti-entropy`;
  // The one before may just be writing down what it found.
  const begin = async () => {
    const response = await fetch(url, { method: 'POST' });
    return response.status === 409 ? undefined : response;
  };
  const begun = await waitFor(begin, { what: 'a comparison to begin' });
  await expectStatus(begun, 202);
  const { round } = (await begun.json()) as Report;
  return waitFor(
    async () => {
      const { here } = (await (await fetch(url)).json()) as { here: Report };
      return here.round === round && here.outcome !== 'running' ? here : undefined;
    },
    { what: 'the comparison to end', withinMs: 60_000 },
  );
}

async function read(key = ''): Promise<Uint8Array> {
  return (await bucket.read(key, signal))?.bytes ?? new Uint8Array();
}
