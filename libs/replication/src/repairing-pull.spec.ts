import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { digestOf, parseRepositoryName } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import { LocalPull, openRegionContent, type RegionContent, StoreReader } from '#libs/registry';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore } from '#libs/storage';
import { AnyPeer } from './any-peer.js';
import { FetchThrough } from './fetch-through.js';
import { RepairingPull } from './repairing-pull.js';

const APP = parseRepositoryName('demo/app');
const OTHER = parseRepositoryName('demo/other');
const bytes = Buffer.from('a layer');
const blob = { digest: digestOf(bytes), size: bytes.length };
const signal = new AbortController().signal;
const region = parseRegionName('north');

let directory: string;
let content: RegionContent;
let reachable: boolean;
let pull: RepairingPull;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-repairing-'));
  reachable = true;
  const [clock, random] = [systemClock, systemRandom];
  content = openRegionContent({ store: new MemoryObjectStore({ clock }), clock, random });
  const peer: Pick<PeerClient, 'region' | 'openBlob'> = {
    region,
    openBlob: async () => {
      if (!reachable) throw new PeerError('refused', region, 'no');
      return { size: blob.size, body: Readable.from([bytes]) };
    },
  };
  const fetches = new FetchThrough({
    ...{ blobs: content.blobs, source: new AnyPeer(peer as PeerClient, []), directory, clock, random, signal },
    onStored: () => undefined,
    onError: () => undefined,
  });
  pull = new RepairingPull({ local: new LocalPull(content, new StoreReader(content)), content, fetches });
  const record = await content.blobs.ingest(blob, Readable.from([bytes]), signal);
  await content.links.add(APP, blob.digest, 1, signal);
  await content.blobs.quarantine({ ...record, reason: 'a test' }, signal);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe('pulling from the primary what is damaged there', () => {
  it('gives the bytes of a replica, and has them again afterwards', async () => {
    const found = await pull.blob(APP, blob.digest, signal);
    expect(found).toMatchObject({ ...blob, source: 'peer' });
    expect((await buffer((await found?.open(undefined, signal)) ?? Readable.from([]))).equals(bytes)).toBe(true);
    while ((await content.blobs.stat(blob.digest, signal)) === undefined) await systemClock.sleep(1, signal);
    expect(await pull.blob(APP, blob.digest, signal)).toMatchObject({ source: 'local' });
  });

  it('tells nobody of it who may not read it', async () => {
    expect(await pull.blob(OTHER, blob.digest, signal)).toBeUndefined();
  });

  it('fails where no replica gives them, and never looks absent', async () => {
    reachable = false;
    const found = await pull.blob(APP, blob.digest, signal);
    const reading = found?.open(undefined, signal).then((body) => buffer(body));
    await expect(reading).rejects.toThrow();
  });
});
