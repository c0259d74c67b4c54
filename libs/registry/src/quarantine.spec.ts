import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import type { BlobDamage } from './blob-records.js';
import { BlobStore } from './blob-store.js';

const signal = new AbortController().signal;
const bytes = Buffer.alloc(1_000, 'layer');
const digest = digestOf(bytes);
const blob = { digest, size: bytes.length };

async function open({ inlineBytes = 0 } = {}) {
  const clock = new FakeClock();
  const store = new MemoryObjectStore({ clock });
  const blobs = new BlobStore({ store, clock, random: new SeededRandom(1), inlineBytes });
  const told: (readonly [BlobDamage, boolean])[] = [];
  blobs.onDamage((damage, quarantined) => told.push([damage, quarantined]));
  const record = await blobs.ingest(blob, Readable.from([bytes]), signal);
  const read = async () => buffer(await blobs.open(record, undefined, signal));
  return { clock, store, blobs, told, record, read };
}

/** Other bytes at the key of an object; only its last byte is wrong. */
async function flip(store: MemoryObjectStore, key: string): Promise<void> {
  const found = Buffer.from((await store.read(key, signal))?.bytes ?? []);
  found[found.length - 1] = (found[found.length - 1] ?? 0) ^ 1;
  await store.put(key, found, { signal });
}

describe('a whole pull of wrong bytes', () => {
  it.each([
    ['flipped', async (store: MemoryObjectStore, data: string) => flip(store, data), /^sha256:/],
    [
      'truncated',
      async (store: MemoryObjectStore, data: string) => store.put(data, bytes.subarray(1), { signal }),
      /^999 bytes$/,
    ],
    [
      'longer',
      async (store: MemoryObjectStore, data: string) => store.put(data, Buffer.concat([bytes, bytes]), { signal }),
      /^more than 1000 bytes$/,
    ],
    ['gone', async (store: MemoryObjectStore, data: string) => store.delete(data, signal), /^nothing$/],
  ])('that were %s fails, and the blob counts as absent before the reader hears of it', async (_how, harm, reason) => {
    const { store, blobs, told, record, read } = await open();
    await harm(store, record.data);
    await expect(read()).rejects.toThrow();
    expect(told).toEqual([[expect.objectContaining({ digest, reason: expect.stringMatching(reason) }), true]]);
    expect(await blobs.stat(digest, signal)).toBeUndefined();
    expect((await blobs.records.inspect(digest, signal))?.header).toMatchObject({ state: 'quarantined' });
  });

  it('quarantines bytes that the record itself holds', async () => {
    const { store, blobs, told } = await open({ inlineBytes: 1_000 });
    await flip(store, keys.blob(digest));
    const record = await blobs.stat(digest, signal);
    if (record === undefined) throw new Error('there is no record');
    await expect(buffer(await blobs.open(record, undefined, signal))).rejects.toThrow();
    expect(told).toMatchObject([[{ digest }, true]]);
    expect(await blobs.stat(digest, signal)).toBeUndefined();
  });

  it('quarantines once, and never what was pushed again since', async () => {
    const { store, blobs, told, record, read } = await open();
    await flip(store, record.data);
    await Promise.allSettled([read(), read()]);
    expect(told.map(([, quarantined]) => quarantined).sort()).toEqual([false, true]);
    const again = await blobs.ingest(blob, Readable.from([bytes]), signal);
    await expect(read()).rejects.toThrow();
    expect(await blobs.stat(digest, signal)).toEqual(again);
    expect(again.data).not.toBe(record.data);
  });

  it('says nothing of a client that went away', async () => {
    const { store, blobs, told, record } = await open();
    await flip(store, record.data);
    const reading = await blobs.open(record, undefined, signal);
    reading.destroy();
    await new Promise((resolve) => reading.once('close', resolve));
    expect(told).toEqual([]);
    expect(await blobs.stat(digest, signal)).toBeDefined();
  });
});
