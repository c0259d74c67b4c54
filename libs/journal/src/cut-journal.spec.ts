import { describe, expect, it } from '@jest/globals';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore } from '#libs/storage';
import { cutJournal } from './cut-journal.js';
import { findJournalStart } from './journal-start.js';
import { ObjectStoreJournal } from './object-store-journal.js';
import { ObjectStoreJournalReader } from './object-store-journal-reader.js';
import { noGuard, sampleManifestPut } from './testing/index.js';

const signal = new AbortController().signal;

describe('cutJournal', () => {
  const clock = new FakeClock();
  let serial = 0;

  async function open(store: MemoryObjectStore, sureMs?: number) {
    serial += 1;
    const options = { store, clock, ...(sureMs === undefined ? {} : { sureMs }) };
    const reader = await ObjectStoreJournalReader.open(options, 0, signal);
    const random = new SeededRandom(serial);
    const apply = async () => undefined;
    const journal = new ObjectStoreJournal({ store, reader, clock, random, apply, epoch: 1, onRetry: () => undefined });
    return { reader, journal };
  }

  async function written(entries: number) {
    const store = new MemoryObjectStore({ clock });
    const opened = await open(store);
    for (let n = 0; n < entries; n += 1) await opened.journal.append(sampleManifestPut(`${n}`), noGuard, signal);
    await clock.advance(1_000);
    return { store, ...opened };
  }

  const cut = (store: MemoryObjectStore, upTo: number, writtenBeforeMs = Number.POSITIVE_INFINITY) =>
    cutJournal(store, { upTo, writtenBeforeMs }, signal);

  async function seqsAfter(reader: ObjectStoreJournalReader, after: number): Promise<readonly number[]> {
    const seqs: number[] = [];
    for await (const entry of reader.read(after, signal)) seqs.push(entry.seq);
    return seqs;
  }

  it('removes whole batches, and says from where on the journal can be read', async () => {
    const { store } = await written(6);
    expect(await cut(store, 4)).toBe(4);
    const { reader } = await open(store);
    expect(await reader.cutOff(signal)).toBe(4);
    expect(await seqsAfter(reader, 4)).toEqual([5, 6]);
    await expect(seqsAfter(reader, 3)).rejects.toMatchObject({ code: 'truncated' });
  });

  it.each([1, 2, 3])('goes on however few batches a page of the listing has: %i', async (most) => {
    const { store } = await written(6);
    const list = store.list.bind(store);
    store.list = (request, aborted) => list({ ...request, limit: Math.min(request.limit, most) }, aborted);
    expect(await cut(store, 4)).toBe(4);
    const { reader } = await open(store);
    expect(await seqsAfter(reader, 4)).toEqual([5, 6]);
  });

  it('leaves the newest batch, and batches that are young', async () => {
    const { store } = await written(3);
    expect(await cut(store, 3, 0)).toBe(0);
    expect(await cut(store, 3)).toBe(2);
    expect(await cut(store, 3)).toBe(0);
    const { reader, journal } = await open(store);
    expect(reader.head.seq).toBe(3);
    expect(await journal.append(sampleManifestPut(`${9}`), noGuard, signal)).toMatchObject({ seq: 4 });
  });

  it('keeps the chain: the first batch that is left names the start', async () => {
    const { store } = await written(4);
    await cut(store, 2);
    const start = await findJournalStart(store, signal);
    const { reader } = await open(store);
    if (start === undefined) throw new Error('no start');
    const third = await reader.slot({ seq: start.seq, epoch: 1, timeMs: 0, chain: start.chain }, signal);
    expect(third?.batch.entries[0].seq).toBe(3);
  });

  it('goes on where it was interrupted, after the start had moved', async () => {
    const { store } = await written(5);
    const first = await store.read(keys.journalBatch(1), signal);
    await cut(store, 3);
    await store.put(keys.journalBatch(1), first?.bytes ?? Buffer.from(''), { signal });
    expect(await cut(store, 0)).toBe(1);
    const { reader } = await open(store);
    expect(await seqsAfter(reader, 3)).toEqual([4, 5]);
  });

  it('refuses what a process writes that slept while its place was cut off', async () => {
    const { store } = await written(2);
    const sleeper = await open(store);
    const { journal } = await open(store);
    for (let n = 3; n < 7; n += 1) await journal.append(sampleManifestPut(`${n}`), noGuard, signal);
    await cut(store, 5);
    await clock.advance(20 * 60_000);
    await expect(sleeper.journal.append(sampleManifestPut(`${8}`), noGuard, signal)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await expect(sleeper.reader.refresh(signal)).rejects.toMatchObject({ code: 'truncated' });
    const { reader } = await open(store);
    expect(await seqsAfter(reader, 5)).toEqual([6]);
  });
});
