import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock, systemRandom } from '#libs/resilience';
import { FilesystemObjectStore } from '#libs/storage';
import { type CheckedRule, policyIsKept, type RegionState, readRegionState } from '../checkers/index.js';
import { presenceOf, waitForImage } from '../support/admin-client.js';
import { Cluster } from '../support/cluster.js';
import { expectStatus, OciClient, type SampleImage, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

const SECRET = 'secret/app';
const deny = { regions: ['ap'], repositories: 'secret/**', action: 'exclude', elsewhere: 'deny' };

let cluster: Cluster;
let rules: readonly CheckedRule[] = [];

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['eu', 'ap'] });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

const ap = () => new OciClient(cluster.region('ap').registry);
const image = (name: string): SampleImage => sampleImage(name, [randomBytes(50_000)]);
const push = (repository: string, pushed: SampleImage, tag: string) =>
  new OciClient(cluster.primary.registry).pushImage(repository, pushed, tag);

async function bucket(): Promise<RegionState> {
  const directory = join(cluster.directory, 'regions', 'ap', 'bucket');
  return readRegionState(new FilesystemObjectStore({ directory, clock: systemClock, random: systemRandom }));
}

/** Puts a policy, and waits until all of the replica's content follows it. */
async function put(...wanted: readonly CheckedRule[]): Promise<void> {
  const url = `${new URL(cluster.primary.admin).origin}/admin/v1/policy`;
  const etag = (await fetch(url)).headers.get('etag') ?? '';
  const headers = { 'content-type': 'application/json', 'if-match': etag };
  const answer = await fetch(url, { method: 'PUT', headers, body: JSON.stringify({ rules: wanted }) });
  await expectStatus(answer, 200);
  const { seq } = (await answer.json()) as { seq: number };
  rules = wanted;
  const followed = async () => {
    const status = await fetch(`${new URL(cluster.region('ap').admin).origin}/admin/v1/policy`);
    return ((await status.json()) as { enforcedSeq: number }).enforcedSeq === seq;
  };
  await waitFor(followed, { what: 'ap to follow the policy', withinMs: 20_000 });
}

function digestsOf({ manifest, blobs }: SampleImage): readonly string[] {
  return [manifest.digest, ...blobs.map(({ digest }) => digest)];
}

async function expectNothingOf(pushed: SampleImage): Promise<void> {
  const state = await bucket();
  expect(policyIsKept('ap', rules, state)).toEqual([]);
  const held = [...state.blobs.keys(), ...[...state.manifests].flatMap(([key, { live }]) => (live ? [key] : []))];
  for (const digest of digestsOf(pushed)) expect(held.filter((key) => key.includes(digest))).toEqual([]);
}

it('keeps a repository out of a region, lets it in later, and takes it away again', async () => {
  await put(deny);
  const hidden = image('hidden');
  await push(SECRET, hidden, '1');
  await push('open/app', image('open'), '1');
  const told = await waitForImage(cluster, SECRET, '1');
  expect(told.map(({ region, state }) => `${region} ${state}`).sort()).toEqual(['ap excluded', 'eu present']);
  await waitForImage(cluster, 'open/app', '1');

  await expectStatus(await ap().request(`/v2/${SECRET}/manifests/1`), 403);
  for (const digest of digestsOf(hidden).slice(1)) {
    await expectStatus(await ap().request(`/v2/${SECRET}/blobs/${digest}`), 403);
  }
  // The router sends nobody there who would be refused.
  const near = new OciClient(cluster.router, { 'x-meridian-region': 'ap' });
  expect(await near.pullWhole(SECRET, '1')).toBe(hidden.manifest.digest);
  await expectNothingOf(hidden);

  await put({ ...deny, elsewhere: 'redirect' } as CheckedRule);
  await waitFor(async () => (await ap().request(`/v2/${SECRET}/manifests/1`, { redirect: 'manual' })).status === 307, {
    what: 'ap to send its clients elsewhere',
    withinMs: 5_000,
  });
  expect(await ap().pullWhole(SECRET, '1')).toBe(hidden.manifest.digest);
  await expectNothingOf(hidden);

  await put();
  await waitFor(async () => (await presenceOf(cluster, SECRET, '1')).every(({ state }) => state === 'present'), {
    what: 'the image to be present in ap too',
    withinMs: 10_000,
  });
  expect(await ap().pullWhole(SECRET, '1')).toBe(hidden.manifest.digest);
  expect([...(await bucket()).blobs.keys()]).toEqual(expect.arrayContaining(digestsOf(hidden).slice(1)));

  await put(deny);
  expect(policyIsKept('ap', rules, await bucket())).toEqual([]);
  await waitFor(async () => (await ap().request(`/v2/${SECRET}/manifests/1`)).status === 403, {
    what: 'ap to refuse what it must not have any more',
    withinMs: 5_000,
  });
});

it('copies on demand what a rule says so of, and keeps the newest two', async () => {
  await put({ regions: ['ap'], repositories: 'models/*', action: 'on-demand' }, {
    regions: ['ap'],
    repositories: 'ci/*',
    action: 'include',
    newest: 2,
  } as CheckedRule);
  const model = image('model');
  await push('models/large', model, '1');
  for (const tag of ['1', '2', '3']) await push('ci/app', image(`build ${tag}`), tag);
  await waitFor(async () => (await presenceOf(cluster, 'ci/app', '3')).every(({ state }) => state === 'present'), {
    what: 'the newest build to be everywhere',
    withinMs: 20_000,
  });
  const state = await bucket();
  expect([...state.tags].filter(([, { digest }]) => digest !== undefined).map(([key]) => key)).toEqual(
    expect.arrayContaining(['ci/app:2', 'ci/app:3', 'models/large:1']),
  );
  expect(state.tags.get('ci/app:1')?.digest).toBeUndefined();
  for (const digest of digestsOf(model).slice(1)) expect(state.blobs.has(digest)).toBe(false);
  expect(await ap().pullWhole('models/large', '1')).toBe(model.manifest.digest);
  await waitFor(async () => (await bucket()).blobs.has(digestsOf(model).at(-1) ?? ''), {
    what: 'the pulled model to stay',
    withinMs: 10_000,
  });
});
