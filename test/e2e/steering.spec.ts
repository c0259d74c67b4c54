import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#libs/resilience';
import { presenceOf, waitForImage } from '../support/admin-client.js';
import { Cluster } from '../support/cluster.js';
import { OciClient, sampleImage } from '../support/oci-client.js';
import { waitFor } from '../support/wait-for.js';

const MB = 1_000_000;

interface Status {
  readonly pausedSinceMs?: number;
  readonly limit?: { readonly bytesPerSecond?: number };
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ regions: ['north', 'south'] });
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

async function ask(region: string, method: string, path: string, body?: object) {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const origin = new URL(cluster.region(region).admin).origin;
  const answer = await fetch(`${origin}/admin/v1/${path}`, { method, ...content });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function statusOf(region: string): Promise<Status> {
  return (await ask(region, 'GET', 'status')).body as Status;
}

/** What the region's replicator copied so far, and when that was. */
async function copied(region: string): Promise<{ readonly bytes: number; readonly seconds: number }> {
  const answer = await fetch(cluster.region(region).replicatorMetrics);
  const text = await answer.text();
  const [, bytes = '0'] = /^meridian_replication_copied_bytes_total\{.*\} ([\d.e+]+)$/m.exec(text) ?? [];
  return { bytes: Number(bytes), seconds: performance.now() / 1_000 };
}

function moreThan<T extends { readonly bytes: number }>(found: T, bytes: number): T | undefined {
  return found.bytes > bytes ? found : undefined;
}

const push = async (tag: string, bytes: number): Promise<void> => {
  await new OciClient(cluster.primary.registry).pushImage('e2e/steered', sampleImage(tag, [randomBytes(bytes)]), tag);
};

it('keeps to a limit that is said at the primary, within a tenth', async () => {
  const limits = [{ bytesPerSecond: '4MB' }];
  expect((await ask('north', 'PUT', 'regions/south/limits', { limits })).status).toBe(200);
  await waitFor(async () => ((await statusOf('south')).limit?.bytesPerSecond === 4 * MB ? true : undefined), {
    what: 'the limit to count',
    withinMs: 5_000,
  });
  const before = await copied('south');
  await push('limited', 40 * MB);
  const from = await waitFor(async () => moreThan(await copied('south'), before.bytes + 2 * MB), { what: 'the copy' });
  await systemClock.sleep(5_000, new AbortController().signal);
  const to = await copied('south');
  const rate = (to.bytes - from.bytes) / (to.seconds - from.seconds);
  expect(rate / (4 * MB)).toBeGreaterThan(0.9);
  expect(rate / (4 * MB)).toBeLessThan(1.1);
  // So big a blob does not hold up what is small.
  await push('small', 1_000);
  await waitForImage(cluster, 'e2e/steered', 'small', 3);
  expect((await ask('south', 'DELETE', 'regions/south/limits')).body.limits).toBeNull();
  await waitForImage(cluster, 'e2e/steered', 'limited', 10);
}, 60_000);

it('copies nothing while it is paused, also after a restart, and what people pull comes all the same', async () => {
  expect(await ask('north', 'POST', 'regions/south/pause')).toMatchObject({ status: 200 });
  await waitFor(async () => (await statusOf('south')).pausedSinceMs, { what: 'the pause', withinMs: 5_000 });
  process.kill(cluster.region('south').pids?.replicator ?? 0, 'SIGKILL');
  await push('paused', 4 * MB);
  await systemClock.sleep(3_000, new AbortController().signal);
  const here = await presenceOf(cluster, 'e2e/steered', 'paused');
  expect(here.find(({ region }) => region === 'south')?.state).toBe('pending');
  const south = new OciClient(cluster.region('south').registry);
  expect(await south.pullWhole('e2e/steered', 'paused')).toMatch(/^sha256:/);
  await push('later', 4 * MB);
  expect((await ask('south', 'POST', 'regions/south/resume')).body.pausedSinceMs).toBeNull();
  await waitForImage(cluster, 'e2e/steered', 'later', 20);
}, 60_000);
