import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import { BlobStore, reinstate } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { MemoryObjectStore } from '#libs/storage';
import { AnyPeer } from './any-peer.js';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';
import { Repairs } from './repairs.js';

const bytes = Buffer.from('a layer');
const blob: BlobDescriptor = { digest: digestOf(bytes), size: bytes.length };
const signal = new AbortController().signal;

let clock: FakeClock;
let blobs: BlobStore;
let store: MemoryObjectStore;
let told: string[];
let data: string;

/** Another region: what it gives now. */
class FakePeer implements Pick<PeerClient, 'region' | 'openBlob'> {
  readonly region = parseRegionName('north');
  asked = 0;

  constructor(public deed: 'give' | 'lie' | 'lack' | 'unreachable') {}

  async openBlob() {
    this.asked += 1;
    if (this.deed === 'unreachable') throw new PeerError('unreachable', this.region, 'no route');
    if (this.deed === 'lack') return undefined;
    return { size: blob.size, body: Readable.from([this.deed === 'lie' ? Buffer.from('A LAYER') : bytes]) };
  }

  get client(): PeerClient {
    return this as unknown as PeerClient;
  }
}

function repairsFrom(...peers: FakePeer[]): Repairs {
  const copier = new Copier({
    ...{ store, blobs, clock, scratch: new MemoryCopyScratch(), random: new SeededRandom(2) },
    sources: peers.map(({ client }) => client),
    onBytes: () => undefined,
  });
  return new Repairs({
    copy: (each, copying) => copier.copy(each, copying),
    reinstate: (digest, looking) => reinstate({ store, content: { blobs }, clock }, digest, looking),
    hasSources: peers.length > 0,
    ...{ clock, random: new SeededRandom(3), signal },
    onRepaired: () => told.push('repaired'),
    onFailed: () => told.push('failed'),
  });
}

/** What it comes to, letting time pass while it takes. */
async function outcome<T>(promise: Promise<T>): Promise<T> {
  let ended = false;
  const settled = promise.finally(() => {
    ended = true;
  });
  while (!ended) await clock.advance(100);
  return settled;
}

const isHere = async () => (await blobs.stat(blob.digest, signal)) !== undefined;

beforeEach(async () => {
  clock = new FakeClock();
  store = new MemoryObjectStore({ clock });
  blobs = new BlobStore({ store, clock, random: new SeededRandom(1), inlineBytes: 0 });
  told = [];
  const record = await blobs.ingest(blob, Readable.from([bytes]), signal);
  await blobs.quarantine({ ...record, reason: 'a test' }, signal);
  data = record.data;
  await store.put(data, Buffer.from('A LAYER'), { signal });
});

describe('a repair', () => {
  it('puts right bytes from another region in the place of those that are quarantined', async () => {
    expect(await outcome(repairsFrom(new FakePeer('give')).repair(blob, signal))).toBe(true);
    expect(await isHere()).toBe(true);
    expect(told).toEqual(['repaired']);
  });

  it('asks nobody when the bytes are right after all: they went wrong on their way to a client', async () => {
    await store.put(data, bytes, { signal });
    const peer = new FakePeer('give');
    expect(await outcome(repairsFrom(peer).repair(blob, signal))).toBe(true);
    expect(peer.asked).toBe(0);
    expect((await blobs.stat(blob.digest, signal))?.data).toBe(data);
  });

  it('is made once for all who ask', async () => {
    const peer = new FakePeer('give');
    const repairs = repairsFrom(peer);
    expect(await outcome(Promise.all([repairs.repair(blob, signal), repairs.repair(blob, signal)]))).toEqual([
      true,
      true,
    ]);
    expect(peer.asked).toBe(1);
  });

  it('is not tried where there is no other region', async () => {
    expect(await repairsFrom().repair(blob, signal)).toBe(false);
    expect(told).toEqual([]);
    expect(await isHere()).toBe(false);
  });

  it.each(['lie', 'lack', 'unreachable'] as const)(
    'goes on when a region that could only %s has it again',
    async (deed) => {
      const peer = new FakePeer(deed);
      expect(await outcome(repairsFrom(peer).repair(blob, signal))).toBe(false);
      expect(await isHere()).toBe(false);
      peer.deed = 'give';
      await clock.advance(20 * 60_000);
      expect(await isHere()).toBe(true);
      expect(told.at(-1)).toBe('repaired');
    },
  );
});

describe('several regions as one source', () => {
  it.each(['lack', 'unreachable'] as const)('give what the nearest can only %s', async (deed) => {
    const source = new AnyPeer(new FakePeer(deed).client, [new FakePeer('give').client]);
    const opened = await source.openBlob(blob.digest, { signal });
    expect(opened && (await buffer(opened.body)).equals(bytes)).toBe(true);
  });

  it('say that it may exist while one of them cannot be asked', async () => {
    const source = new AnyPeer(new FakePeer('unreachable').client, [new FakePeer('lack').client]);
    await expect(source.openBlob(blob.digest, { signal })).rejects.toThrow(PeerError);
  });
});
