import { Redis } from 'ioredis';
import type { Cluster, ClusterRegion } from './cluster.js';
import { expectStatus } from './oci-client.js';

/** What one region has of an image, as the admin API says it. */
export interface Presence {
  readonly region: string;
  readonly state: string;
  readonly digest?: string;
  readonly bytes: { readonly done: number; readonly total: number };
}

/** Waits by the admin API until an image is present everywhere, and returns what each region says. */
export async function waitForImage(
  { primary }: Cluster,
  repository: string,
  reference: string,
  timeoutSeconds = 60,
): Promise<readonly Presence[]> {
  const query = new URLSearchParams({ repository, reference, timeoutSeconds: String(timeoutSeconds) });
  const response = await fetch(`${new URL(primary.admin).origin}/admin/v1/wait?${query}`);
  await expectStatus(response, 200);
  return ((await response.json()) as { regions: readonly Presence[] }).regions;
}

/** What every region says of an image just now. */
export async function presenceOf(
  { primary }: Cluster,
  repository: string,
  reference: string,
): Promise<readonly Presence[]> {
  const response = await fetch(`${new URL(primary.admin).origin}/admin/v1/images/${repository}/${reference}`);
  await expectStatus(response, 200);
  return ((await response.json()) as { regions: readonly Presence[] }).regions;
}

/** Changes the simulated line between two regions, in both directions. */
export async function setLink(cluster: Cluster, from: string, to: string, change: object): Promise<void> {
  for (const [a, b] of [
    [from, to],
    [to, from],
  ]) {
    const url = new URL(`/links/${a}/${b}`, cluster.wan);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(change), headers });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  }
}

/** Forgets everything that a region's Redis holds. */
export async function flushRedis(region: ClusterRegion): Promise<void> {
  const redis = new Redis(region.redis);
  await redis.flushall();
  redis.disconnect();
}
