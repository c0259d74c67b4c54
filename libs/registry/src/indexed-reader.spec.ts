import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Change, type Entry, type Journal, ObjectStoreJournal, ObjectStoreJournalReader } from '#libs/journal';
import { noGuard } from '#libs/journal/testing';
import { digestOf, parseRepositoryName, parseTag, type Reference, type Tag } from '#libs/oci';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { DIGEST_AGE_MS, IndexedReader } from './indexed-reader.js';
import { ReadIndex } from './read-index.js';
import { openRegionContent, type RegionContent } from './region-content.js';

const never = new AbortController().signal;
const clock = new FakeClock();
const repository = parseRepositoryName('demo/app');
const tags = ['a', 'b'].map(parseTag);
const tagged = ['{"m":0}', '{"m":1}'];
const loose = '{"m":2}';
const blob = { digest: digestOf('blob'), size: 4 };

interface Process {
  readonly journal: Journal;
  readonly reader: IndexedReader;
}

let seed = 0;

function openContent(store: ObjectStore): RegionContent {
  return openRegionContent({ store, clock, random: new SeededRandom(1) });
}

/** With `digestAgeMs` 0 every read makes sure, so that the order of all can be judged. */
async function openProcess(store: ObjectStore, digestAgeMs = 0): Promise<Process> {
  seed += 1;
  const random = new SeededRandom(seed);
  const content = openContent(store);
  const journalReader = await ObjectStoreJournalReader.open({ store, clock }, 0, never);
  const index = new ReadIndex(clock, journalReader);
  const journal = new ObjectStoreJournal({
    ...{ store, clock, random, epoch: 1, reader: journalReader },
    apply: index.applying(content),
    onRetry: () => undefined,
  });
  return { journal, reader: new IndexedReader(content, index, journal, digestAgeMs) };
}

function put(content: string, moved: readonly Tag[]): Change {
  return {
    type: 'manifest.put',
    repository,
    digest: digestOf(content),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    content,
    blobs: [blob],
    children: [],
    tags: moved,
  };
}

/** A store that does what it is asked when `turn` lets it, and whose answers come when `turn` lets them. */
function slow(inner: ObjectStore, turn: (what: string) => Promise<unknown>): ObjectStore {
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (!['read', 'stat', 'put'].includes(String(name))) return value.bind(target);
      return async (...request: unknown[]) => {
        await turn(`${String(name)} ${String(request[0])}`);
        const outcome = await Promise.allSettled([value.apply(target, request) as Promise<unknown>]);
        await turn(`answer to ${String(name)} ${String(request[0])}`);
        if (outcome[0].status === 'rejected') throw outcome[0].reason;
        return outcome[0].value;
      };
    },
  });
}

/** What clients see of registers, and whether there is one order in which all of it could have happened. */
class History {
  readonly #states = new Map<string, { seq: number; value: string | undefined }[]>();
  readonly #reads: { key: string; value: string | undefined; begin: number; end: number }[] = [];
  readonly #writes: { seq: number; keys: readonly string[]; end: number }[] = [];
  #time = 0;

  now(): number {
    this.#time += 1;
    return this.#time;
  }

  async read(key: string, work: () => Promise<string | undefined>): Promise<void> {
    const begin = this.now();
    const value = await work();
    this.#reads.push({ key, value, begin, end: this.now() });
  }

  async write(work: () => Promise<Entry>): Promise<void> {
    const entry = await work();
    const moved = statesOf(entry);
    for (const [key, value] of moved) {
      this.#states.set(key, [...(this.#states.get(key) ?? []), { seq: entry.seq, value }]);
    }
    this.#writes.push({ seq: entry.seq, keys: moved.map(([key]) => key), end: this.now() });
  }

  /** Each read takes the earliest state that it may have seen: no earlier than what was seen or acknowledged before it. */
  check(): void {
    const seen = this.#writes.flatMap(({ seq, keys: moved, end }) => moved.map((key) => ({ key, seq, end })));
    for (const { key, value, begin, end } of this.#reads.toSorted((a, b) => a.end - b.end)) {
      const before = seen.filter((other) => other.key === key && other.end < begin).map(({ seq }) => seq);
      const least = Math.max(0, ...before);
      const states = [{ seq: 0, value: undefined }, ...(this.#states.get(key) ?? [])];
      const fitting = states.filter((state) => state.value === value && state.seq >= least).map(({ seq }) => seq);
      if (fitting.length === 0) throw new Error(`${key} was ${value ?? 'absent'} after entry ${least}`);
      seen.push({ key, seq: Math.min(...fitting), end });
    }
  }
}

function statesOf(entry: Entry): readonly (readonly [string, string | undefined])[] {
  switch (entry.type) {
    case 'manifest.put':
      return [
        ...entry.tags.map((name) => [name, entry.digest] as const),
        [entry.digest, entry.digest],
        [blob.digest, blob.digest],
      ];
    case 'tag.delete':
      return [[entry.tag, undefined]];
    case 'manifest.delete':
      return [...entry.tags.map((name) => [name, undefined] as const), [entry.digest, undefined]];
    case 'blob.delete':
      return [[entry.digest, undefined]];
    case 'blobs.sweep':
      return entry.blobs.map((digest) => [digest, undefined]);
    case 'policy.put':
      return [];
  }
}

type Step = (process: Process, history: History) => Promise<void>;

const write = (change: Change): Step => {
  return ({ journal }, history) => history.write(() => journal.append(change, noGuard, never));
};

const readManifest = (reference: Reference): Step => {
  const key = reference.kind === 'tag' ? reference.tag : reference.digest;
  return ({ reader }, history) =>
    history.read(key, async () => (await reader.manifest(repository, reference, never))?.digest);
};

const readBlob: Step = ({ reader }, history) =>
  history.read(blob.digest, async () => (await reader.blob(repository, blob.digest, never))?.digest);

/** What a tag points at is never deleted here: a pull by tag then says exactly what the tag's own register held. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constantFrom(...tagged), fc.subarray(tags)).map(([content, moved]) => write(put(content, moved))),
  fc.constantFrom(...tags).map((tag) => write({ type: 'tag.delete', repository, tag })),
  fc.constant(write(put(loose, []))),
  fc.subarray(tags).map((gone) => write({ type: 'manifest.delete', repository, digest: digestOf(loose), tags: gone })),
  fc.constant(write({ type: 'blob.delete', repository, digest: blob.digest })),
  {
    weight: 6,
    arbitrary: fc.oneof(
      fc.constantFrom(...tags).map((tag) => readManifest({ kind: 'tag', tag })),
      fc.constant(readManifest({ kind: 'digest', digest: digestOf(loose) })),
      fc.constant(readBlob),
    ),
  },
);

/** What one client does, one after the other: each at one of the processes, as a balancer would have it. */
const client = fc.array(fc.record({ at: fc.nat(1), step }), { minLength: 1, maxLength: 8 });

describe('reading from memory at the primary', () => {
  it('is linearizable over processes, register by register, whatever the store does first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(client, { minLength: 2, maxLength: 4 }), async (scheduler, clients) => {
        const inner = new MemoryObjectStore({ clock });
        await openContent(inner).blobs.adopt(
          { ...blob, kept: { data: keys.data('x') }, writtenMs: clock.monotonic() },
          never,
        );
        const store = slow(inner, (what) => scheduler.schedule(Promise.resolve(), what));
        const processes = await scheduler.waitFor(Promise.all([openProcess(store), openProcess(store)]));
        const history = new History();
        await scheduler.waitFor(
          Promise.all(
            clients.map(async (steps) => {
              for (const { at, step: next } of steps) await next(processes[at] ?? processes[0], history);
            }),
          ),
        );
        history.check();
      }),
      { numRuns: 120 },
    );
  });

  it('asks the store for nothing but the end of the journal, once for all who ask at the same time', async () => {
    const seen: string[] = [];
    const inner = new MemoryObjectStore({ clock });
    await openContent(inner).blobs.adopt(
      { ...blob, kept: { data: keys.data('x') }, writtenMs: clock.monotonic() },
      never,
    );
    const { journal, reader } = await openProcess(
      slow(inner, async (what) => {
        if (!what.startsWith('answer')) seen.push(what);
      }),
    );
    const tag = parseTag('a');
    const digest = digestOf(loose);
    await journal.append(put(loose, [tag]), noGuard, never);
    const readAll = () =>
      Promise.all([
        reader.manifest(repository, { kind: 'tag', tag }, never),
        reader.manifest(repository, { kind: 'digest', digest }, never),
        reader.blob(repository, blob.digest, never),
      ]);
    const first = await readAll();
    seen.length = 0;
    for (let round = 0; round < 3; round += 1) await expect(readAll()).resolves.toEqual(first);
    expect(first.map((found) => found?.digest)).toEqual([digest, digest, blob.digest]);
    expect(new Set(seen)).toEqual(new Set([`read ${keys.journalBatch(2)}`]));
    expect(seen).toHaveLength(3);
  });

  it('fails when the end of the journal cannot be found, rather than answer from memory', async () => {
    let broken = false;
    const { journal, reader } = await openProcess(
      slow(new MemoryObjectStore({ clock }), async (what) => {
        if (broken && what.includes(keys.journalPrefix)) throw new Error('the store is gone');
      }),
    );
    await journal.append(put(loose, []), noGuard, never);
    const read = () => reader.manifest(repository, { kind: 'digest', digest: digestOf(loose) }, never);
    await expect(read()).resolves.toBeDefined();
    broken = true;
    await expect(read()).rejects.toThrow('the store is gone');
    broken = false;
    await expect(read()).resolves.toBeDefined();
  });

  it('answers by digest for a moment from what it knew, and by tag never', async () => {
    const store = new MemoryObjectStore({ clock });
    const [here, elsewhere] = await Promise.all([openProcess(store, DIGEST_AGE_MS), openProcess(store)]);
    const [tag, digest] = [parseTag('a'), digestOf(loose)];
    const byDigest = () => here.reader.manifest(repository, { kind: 'digest', digest }, never);
    const byTag = () => here.reader.manifest(repository, { kind: 'tag', tag }, never);
    const remove = () =>
      elsewhere.journal.append({ type: 'manifest.delete', repository, digest, tags: [tag] }, noGuard, never);
    await here.journal.append(put(loose, [tag]), noGuard, never);
    await Promise.all([byTag(), byDigest()]);
    await remove();
    await clock.advance(DIGEST_AGE_MS - 1);
    await expect(byDigest()).resolves.toBeDefined();
    await clock.advance(1);
    await expect(byDigest()).resolves.toBeUndefined();

    await here.journal.append(put(loose, [tag]), noGuard, never);
    await Promise.all([byTag(), byDigest()]);
    await remove();
    await expect(byTag()).resolves.toBeUndefined();
    await expect(byDigest()).resolves.toBeUndefined();
  });

  it('looks for no layer of an image whose tag was just asked for', async () => {
    const seen: string[] = [];
    const store = slow(new MemoryObjectStore({ clock }), async (what) => {
      if (!what.startsWith('answer')) seen.push(what);
    });
    await openContent(store).blobs.adopt(
      { ...blob, kept: { data: keys.data('x') }, writtenMs: clock.monotonic() },
      never,
    );
    const { journal, reader } = await openProcess(store, DIGEST_AGE_MS);
    const tag = parseTag('a');
    await journal.append(put(loose, [tag]), noGuard, never);
    const pull = async (): Promise<void> => {
      await reader.manifest(repository, { kind: 'tag', tag }, never);
      for (let layer = 0; layer < 8; layer += 1) await reader.blob(repository, blob.digest, never);
    };
    await pull();
    seen.length = 0;
    await pull();
    expect(seen).toEqual([`read ${keys.journalBatch(2)}`]);
  });
});
