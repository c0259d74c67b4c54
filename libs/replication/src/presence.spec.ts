import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { type BlobDescriptor, digestOf, parseReference, parseTag } from '#libs/oci';
import type { ImagePresence } from '#libs/peer';
import { MemoryPeerClient, MemoryRegion } from '#libs/peer/testing';
import { applyEntry, openRegionContent, type RegionContent } from '#libs/registry';
import { Notifier } from '#libs/resilience';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { LocalPresence } from './presence.js';
import { freshProgress } from './progress-store.js';
import { repository } from './testing/memory-primary.js';

const signal = new AbortController().signal;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const image = { repository, reference: parseReference('v1') };

const describeBlob = (text: string): BlobDescriptor => ({ digest: digestOf(text), size: text.length });
const [config, layer] = [describeBlob('{}'), describeBlob('a layer')];
const text = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
});
const total = text.length + config.size + layer.size;

describe('LocalPresence', () => {
  let clock: FakeClock;
  let content: RegionContent;
  let remote: MemoryRegion;
  let origin: MemoryPeerClient;
  let changed: Notifier;
  const inFlight = new Map<string, number>();

  beforeEach(() => {
    clock = new FakeClock();
    const random = new SeededRandom(1);
    content = openRegionContent({ store: new MemoryObjectStore({ clock }), clock, random });
    const region = parseRegionName('south');
    remote = new MemoryRegion({
      ...freshProgress('g'),
      region,
      role: 'primary',
      ready: true,
      lagSeconds: 0,
      timeMs: 1,
    });
    origin = new MemoryPeerClient(remote);
    changed = new Notifier();
    inFlight.clear();
  });

  const presence = (waitMs = 0): Promise<ImagePresence> =>
    new LocalPresence({
      region: parseRegionName('north'),
      content,
      origin,
      changed,
      clock,
      bytesInFlight: (digest) => inFlight.get(digest) ?? 0,
    }).presence(image, { waitMs, signal });

  async function store(blobText: string): Promise<void> {
    await content.blobs.ingest(describeBlob(blobText), Readable.from([Buffer.from(blobText)]), signal);
  }

  async function apply(): Promise<void> {
    const needs = { blobs: [config, layer], children: [] };
    const manifest = { repository, digest: digestOf(text), mediaType: MANIFEST, content: text, ...needs };
    const place = { seq: 1, epoch: 1, timeMs: 1 };
    await applyEntry(content, { type: 'manifest.put', ...manifest, tags: [parseTag('v1')], ...place }, signal);
  }

  it('does not know what the primary does not know', async () => {
    expect(await presence()).toMatchObject({ state: 'unknown', region: 'north' });
  });

  it('does not know what it cannot ask for', async () => {
    origin.reachable = false;
    expect(await presence()).toMatchObject({ state: 'unknown' });
  });

  it('names what is missing of an image that has not come', async () => {
    remote.addManifest(repository, 'v1', text);
    const missing = [digestOf(text), config.digest, layer.digest];
    expect(await presence()).toMatchObject({ state: 'pending', missing, bytes: { done: 0, total } });
  });

  it('counts what is stored and what is on its way', async () => {
    remote.addManifest(repository, 'v1', text);
    await store('{}');
    inFlight.set(layer.digest, 3);
    expect(await presence()).toMatchObject({ state: 'copying', bytes: { done: config.size + 3, total } });
  });

  it('is not present with its blobs alone: the manifest has to be shown here', async () => {
    remote.addManifest(repository, 'v1', text);
    await store('{}');
    await store('a layer');
    expect(await presence()).toMatchObject({ state: 'copying', missing: [digestOf(text)] });
  });

  it('is present by its own evidence, with the primary out of reach', async () => {
    origin.reachable = false;
    await store('{}');
    await store('a layer');
    await apply();
    expect(await presence()).toMatchObject({ state: 'present', missing: [], bytes: { done: total, total } });
  });

  it('does not wait for a child of an index that was deleted everywhere', async () => {
    const child = { mediaType: MANIFEST, digest: digestOf('deleted'), size: 7 };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [child] });
    const place = { seq: 1, epoch: 1, timeMs: 1 };
    const manifest = { repository, digest: digestOf(index), mediaType: INDEX, content: index, blobs: [] };
    const children = [child.digest];
    await applyEntry(
      content,
      { type: 'manifest.put', ...manifest, children, tags: [parseTag('v1')], ...place },
      signal,
    );
    expect(await presence()).toMatchObject({ state: 'present', missing: [] });
  });

  it('answers a waiting caller as soon as the image is here', async () => {
    remote.addManifest(repository, 'v1', text);
    const waiting = presence(10_000);
    await clock.advance(10);
    await store('{}');
    await store('a layer');
    await apply();
    changed.notify();
    expect(await waiting).toMatchObject({ state: 'present' });
    expect(clock.sleeping).toBe(0);
  });

  it('answers with what is true when the wait is over', async () => {
    remote.addManifest(repository, 'v1', text);
    const waiting = presence(1_000);
    await clock.advance(999);
    const early = await Promise.race([waiting, Promise.resolve('still waiting')]);
    expect(early).toBe('still waiting');
    await clock.advance(1);
    expect(await waiting).toMatchObject({ state: 'pending' });
  });
});
