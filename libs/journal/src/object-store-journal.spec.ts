import { afterEach, describe, expect, it } from '@jest/globals';
import { parseRepositoryName, parseTag } from '#libs/oci';
import { systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { keys, type ListRequest, MemoryObjectStore, type ObjectStore, StorageError } from '#libs/storage';
import { parseBatch } from './batch.js';
import type { Change, Entry } from './entry.js';
import { ObjectStoreJournal } from './object-store-journal.js';
import { ObjectStoreJournalReader } from './object-store-journal-reader.js';
import { createOnly, noGuard, sampleManifestPut } from './testing/sample-change.js';

const never = new AbortController().signal;
const opened: ObjectStoreJournal[] = [];
let seed = 0;

interface Writer {
  readonly journal: ObjectStoreJournal;
  readonly applied: Entry[];
}

async function openWriter(store: ObjectStore, apply?: (entry: Entry) => Promise<void>): Promise<Writer> {
  seed += 1;
  const own = seed;
  const applied: Entry[] = [];
  const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, never);
  const journal = new ObjectStoreJournal({
    store,
    reader,
    clock: systemClock,
    random: new SeededRandom(own),
    apply: async (entry) => {
      await apply?.(entry);
      applied.push(entry);
    },
    epoch: 1,
    onRetry: () => undefined,
  });
  opened.push(journal);
  return { journal, applied };
}

async function readAll(store: ObjectStore): Promise<Entry[]> {
  const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, never);
  const entries: Entry[] = [];
  for await (const entry of reader.read(0, never)) entries.push(entry);
  return entries;
}

async function batchesIn(store: ObjectStore): Promise<number> {
  return (await store.list({ prefix: keys.journalPrefix, limit: 1_000 }, never)).objects.length;
}

/** A store whose `put` of journal batches is replaced. */
function withPut(
  store: MemoryObjectStore,
  put: (call: () => ReturnType<ObjectStore['put']>, n: number) => ReturnType<ObjectStore['put']>,
): ObjectStore {
  let calls = 0;
  return new Proxy<ObjectStore>(store, {
    get: (target, property) => {
      if (property === 'put') {
        return (...args: Parameters<ObjectStore['put']>) => {
          if (!args[0].startsWith(keys.journalPrefix)) return target.put(...args);
          calls += 1;
          return put(() => target.put(...args), calls);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const unavailable = () => new StorageError('unavailable', { driver: 'memory', operation: 'put' });

afterEach(async () => {
  await Promise.all(opened.splice(0).map((journal) => journal.close()));
});

describe('the journal', () => {
  it('gives changes that arrive together consecutive places in few batches', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal, applied } = await openWriter(store);
    const entries = await Promise.all(
      Array.from({ length: 50 }, (_, i) => journal.append(sampleManifestPut(`{"n":${i}}`), noGuard, never)),
    );
    expect(entries.map((entry) => entry.seq).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    expect(await batchesIn(store)).toBeLessThan(10);
    expect(applied).toHaveLength(50);
    expect(journal.head.seq).toBe(50);
  });

  it('gives the writers of one bucket one order without gaps, each entry once', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const writers = await Promise.all([openWriter(store), openWriter(store), openWriter(store)]);
    const acknowledged = await Promise.all(
      writers.flatMap(({ journal }, w) =>
        Array.from({ length: 30 }, (_, i) => journal.append(sampleManifestPut(`{"w":${w},"i":${i}}`), noGuard, never)),
      ),
    );
    const stored = await readAll(store);
    expect(stored.map((entry) => entry.seq)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1));
    for (const entry of acknowledged) expect(stored[entry.seq - 1]).toEqual(entry);
  });

  it('recognises its own batch when the answer to the PUT was lost', async () => {
    const memory = new MemoryObjectStore({ clock: systemClock });
    const store = withPut(memory, async (call, n) => {
      const stat = await call();
      if (n === 1) throw unavailable();
      return stat;
    });
    const { journal } = await openWriter(store);
    const entry = await journal.append(sampleManifestPut('{}'), noGuard, never);
    expect(entry.seq).toBe(1);
    expect(await readAll(memory)).toHaveLength(1);
  });

  it('sends the same bytes again when the store did not answer and nothing was written', async () => {
    const memory = new MemoryObjectStore({ clock: systemClock });
    const store = withPut(memory, (call, n) => (n < 3 ? Promise.reject(unavailable()) : call()));
    const { journal } = await openWriter(store);
    expect((await journal.append(sampleManifestPut('{}'), noGuard, never)).seq).toBe(1);
  });

  it('leaves no trace of a change that its guard refused', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    const refused = { validate: () => Promise.reject(new Error('no')), touchedBy: () => false };
    await expect(journal.append(sampleManifestPut('{}'), refused, never)).rejects.toThrow('no');
    expect(await batchesIn(store)).toBe(0);
  });

  it('lets exactly one of many writers create a tag', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const writers = await Promise.all(Array.from({ length: 4 }, () => openWriter(store)));
    const repository = parseRepositoryName('demo/app');
    const outcomes = await Promise.allSettled(
      writers.flatMap(({ journal, applied }, w) =>
        Array.from({ length: 5 }, (_, i) =>
          journal.append(
            sampleManifestPut(`{"w":${w},"i":${i}}`, { tags: ['v1'] }),
            createOnly(repository, parseTag('v1'), applied),
            never,
          ),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(await readAll(store)).toHaveLength(1);
  });

  it('acknowledges a change only once it was applied, and applies it until that succeeds', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    let failures = 2;
    const { journal, applied } = await openWriter(store, () => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(unavailable()) : Promise.resolve();
    });
    const entry = await journal.append(sampleManifestPut('{}'), noGuard, never);
    expect(applied).toEqual([entry]);
  });

  it('goes on where an earlier process ended', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const first = await openWriter(store);
    await first.journal.append(sampleManifestPut('{"n":1}'), noGuard, never);
    await first.journal.close();
    const second = await openWriter(store);
    expect(second.journal.head.seq).toBe(1);
    expect((await second.journal.append(sampleManifestPut('{"n":2}'), noGuard, never)).seq).toBe(2);
    const chain = (await store.list({ prefix: keys.journalPrefix, limit: 10 }, never)).objects;
    const batches = await Promise.all(
      chain.map(async ({ key }) => parseBatch((await store.read(key, never))?.bytes ?? new Uint8Array())),
    );
    expect(batches[1]?.previous).toMatch(/^sha256:/);
  });

  it('refuses changes while it closes, and says that they may be repeated', async () => {
    const { journal } = await openWriter(new MemoryObjectStore({ clock: systemClock }));
    await journal.close();
    await expect(journal.append(sampleManifestPut('{}'), noGuard, never)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  it('lets a caller leave while its change waits', async () => {
    const memory = new MemoryObjectStore({ clock: systemClock });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const store = withPut(memory, async (call) => {
      await gate;
      return call();
    });
    const { journal } = await openWriter(store);
    const first = journal.append(sampleManifestPut('{"n":1}'), noGuard, never);
    const client = new AbortController();
    const second = journal.append(sampleManifestPut('{"n":2}'), noGuard, client.signal);
    client.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    release();
    await first;
    expect(await readAll(memory)).toHaveLength(1);
  });
});

describe('a reader of the journal', () => {
  it('follows what other writers append, in order', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, never);
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const entry of reader.follow(0, stop.signal)) {
        seen.push(entry.seq);
        if (seen.length === 20) stop.abort(new Error('enough'));
      }
    })();
    for (let i = 0; i < 20; i += 1) await journal.append(sampleManifestPut(`{"n":${i}}`), noGuard, never);
    await reader.refresh(never);
    await expect(following).rejects.toThrow('enough');
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('reads from the middle of a batch', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    const changes: Change[] = Array.from({ length: 40 }, (_, i) => sampleManifestPut(`{"n":${i}}`));
    await Promise.all(changes.map((change) => journal.append(change, noGuard, never)));
    const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, never);
    for (const after of [0, 1, 17, 38, 39, 40]) {
      const seqs: number[] = [];
      for await (const entry of reader.read(after, never)) seqs.push(entry.seq);
      expect(seqs).toEqual(Array.from({ length: 40 - after }, (_, i) => after + 1 + i));
    }
  });

  it('reads all of it from a store whose pages are shorter than asked for', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    for (const tag of ['a', 'b', 'c', 'd', 'e']) await journal.append(sampleManifestPut(tag), noGuard, never);
    const short = new Proxy<ObjectStore>(store, {
      get: (target, property) => {
        if (property === 'list') {
          return (request: ListRequest, signal: AbortSignal) => store.list({ ...request, limit: 2 }, signal);
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect((await readAll(short)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('asks the store for no list of batches but the first one, which may hold the place in its middle', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    for (let n = 1; n <= 6; n += 1) await journal.append(sampleManifestPut(`image ${n}`), noGuard, never);
    let lists = 0;
    const counting = new Proxy<ObjectStore>(store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (property === 'list') lists += 1;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const reader = await ObjectStoreJournalReader.open({ store: counting, clock: systemClock }, 0, never);
    lists = 0;
    const seqs: number[] = [];
    for await (const entry of reader.read(2, never)) seqs.push(entry.seq);
    expect(seqs).toEqual([3, 4, 5, 6]);
    expect(lists).toBeLessThanOrEqual(1);
  });

  it('refuses a batch that does not continue the chain', async () => {
    const store = new MemoryObjectStore({ clock: systemClock });
    const { journal } = await openWriter(store);
    await journal.append(sampleManifestPut('{"n":1}'), noGuard, never);
    const reader = await ObjectStoreJournalReader.open({ store, clock: systemClock }, 0, never);
    await journal.append(sampleManifestPut('{"n":2}'), noGuard, never);
    const second = await store.read(keys.journalBatch(2), never);
    const forged = Buffer.from(second?.bytes ?? [])
      .toString()
      .replace(/sha256:./, (found) => (found === 'sha256:f' ? 'sha256:0' : 'sha256:f'));
    await store.put(keys.journalBatch(2), Buffer.from(forged), { signal: never });
    await expect(reader.refresh(never)).rejects.toMatchObject({ code: 'corrupt' });
  });
});
