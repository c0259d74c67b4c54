import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { type Place, ROUTER } from './places.js';

const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
/** Blobs up to this size are in their record, and served by the registry itself. */
const KEPT_IN_RECORD_BYTES = 64 * 1024;

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Pulls the image from one region as a client does: the bytes must come from that region's store, by the reader's key. */
export async function pullFrom(place: Place, repository: string, reference: string, signal: AbortSignal) {
  const { config, layers } = await getManifest(place, repository, reference, signal);
  for (const blob of [config, ...layers]) {
    const url = `http://${place.registry}/v2/${repository}/blobs/${blob.digest}`;
    const answer = await fetch(url, { redirect: 'manual', signal });
    const bytes = blob.size <= KEPT_IN_RECORD_BYTES ? answer : await followToStore(place, answer, signal);
    expect([bytes.status, await digestOf(bytes)]).toEqual([200, blob.digest]);
  }
}

async function followToStore({ name, store }: Place, answer: Response, signal: AbortSignal): Promise<Response> {
  expect(answer.status).toBe(307);
  const location = new URL(answer.headers.get('location') ?? '');
  expect(location.origin).toBe(store);
  expect(location.searchParams.get('X-Amz-Credential')).toMatch(new RegExp(`^meridian-${name}-reader/`));
  return fetch(location, { signal });
}

async function getManifest({ registry }: Place, repository: string, reference: string, signal: AbortSignal) {
  const url = `http://${registry}/v2/${repository}/manifests/${reference}`;
  const answer = await fetch(url, { headers: { accept: MANIFEST_TYPES }, signal });
  const text = await answer.text();
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([200, digest]);
  return JSON.parse(text) as { readonly config: Blob; readonly layers: readonly Blob[] };
}

async function digestOf(answer: Response): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of answer.body ?? []) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Where the router sends a client that is in the region: the host and port of a registry. */
export async function sentTo(region: string, repository: string, reference: string, signal: AbortSignal) {
  const headers = { accept: MANIFEST_TYPES, 'x-meridian-region': region };
  const url = `http://${ROUTER}/v2/${repository}/manifests/${reference}`;
  const answer = await fetch(url, { headers, redirect: 'manual', signal });
  await answer.body?.cancel();
  return answer.status === 307 ? new URL(answer.headers.get('location') ?? '').host : `status ${answer.status}`;
}
