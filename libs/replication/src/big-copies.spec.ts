import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName, type RegionName } from '#libs/geo';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { type OpenBlobOptions, type PeerClient, PeerError } from '#libs/peer';
import { BlobStore } from '#libs/registry';
import { type Clock, systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { type ByteRange, keys, MemoryObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import type { CopyScratch } from './copy-scratch.js';
import { FileCopyScratch } from './file-copy-scratch.js';
import { MAX_LANES } from './lanes.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';

const PART = 1_000;
const content = randomBytes(PART * 12 + 345);
const blob: BlobDescriptor = { digest: digestOf(content), size: content.length };
const signal = new AbortController().signal;

/** Claims of workers that are gone end soon here. */
const hastyClock: Clock = {
  now: () => systemClock.now() * 20,
  monotonic: () => systemClock.monotonic() * 20,
  sleep: (ms, until) => systemClock.sleep(ms / 20, until),
};

/** And twenty times slower: a busy machine must not look like a region that does not begin. */
const patientClock: Clock = {
  ...systemClock,
  now: () => systemClock.now() / 20,
  monotonic: () => systemClock.monotonic() / 20,
  sleep: (ms, until) => systemClock.sleep(ms * 20, until),
};

/** A region that has the blob, and what was taken from it. */
class Source implements Pick<PeerClient, 'region' | 'openBlob'> {
  readonly region = parseRegionName('far');
  sent = 0;
  atOnce = 0;
  mostAtOnce = 0;
  /** Called before each chunk, with its place. */
  onChunk: (at: number) => void | Promise<void> = () => undefined;
  bytes = content;

  async openBlob(_digest: unknown, { range, signal: reading }: { range?: ByteRange; signal: AbortSignal }) {
    const start = range?.start ?? 0;
    const end = (range?.end ?? content.length - 1) + 1;
    return { size: content.length, body: Readable.from(this.#body(start, end, reading)) };
  }

  async *#body(start: number, end: number, reading: AbortSignal): AsyncGenerator<Buffer> {
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      for (let at = start; at < end; at += 100) {
        await this.onChunk(at);
        await new Promise(setImmediate);
        reading.throwIfAborted();
        const chunk = this.bytes.subarray(at, Math.min(end, at + 100));
        this.sent += chunk.length;
        yield chunk;
      }
    } finally {
      this.atOnce -= 1;
    }
  }
}

describe('a copy of a big blob', () => {
  let store: MemoryObjectStore;
  let blobs: BlobStore;
  let source: Source;
  let workers: number;

  beforeEach(() => {
    store = new MemoryObjectStore({ clock: hastyClock });
    blobs = new BlobStore({ store, clock: hastyClock, random: new SeededRandom(1) });
    source = new Source();
    workers = 0;
  });

  function worker(scratch: CopyScratch, clock: Clock = hastyClock): Copier {
    workers += 1;
    return new Copier({
      store,
      blobs: new BlobStore({ store, clock, random: new SeededRandom(100 + workers) }),
      sources: [source] as unknown as PeerClient[],
      scratch,
      partedFromBytes: 1,
      ...{ partBytes: PART, pieceBytes: PART / 2 },
      onBytes: () => undefined,
      clock,
      random: new SeededRandom(200 + workers),
    });
  }

  /** Begins a copy and ends it after so many more bytes, as a kill would: whatever it does then, nobody hears of it. */
  async function killedAfter(bytes: number, scratch: CopyScratch): Promise<void> {
    const killed = new AbortController();
    const limit = source.sent + bytes;
    source.onChunk = () => {
      if (source.sent >= limit) killed.abort(new Error('killed'));
    };
    await expect(worker(scratch).copy(blob, killed.signal)).rejects.toThrow('killed');
    source.onChunk = () => undefined;
  }

  async function stored(): Promise<boolean> {
    const record = await blobs.stat(blob.digest, signal);
    return record !== undefined && (await buffer(await blobs.open(record, undefined, signal))).equals(content);
  }

  async function litter(): Promise<readonly string[]> {
    const found = await store.list({ prefix: '', limit: 100 }, signal);
    const record = await blobs.stat(blob.digest, signal);
    const wanted = [keys.blob(blob.digest), record?.data];
    const uploads = await store.multipart.listUploads('', signal);
    return [...found.objects, ...uploads].map(({ key }) => key).filter((key) => !wanted.includes(key));
  }

  it('comes by several connections at once, each byte once, and leaves nothing behind', async () => {
    const scratch = new MemoryCopyScratch();
    await worker(scratch).copy(blob, signal);
    expect(await stored()).toBe(true);
    expect(source.sent).toBe(content.length);
    expect(source.mostAtOnce).toBeGreaterThanOrEqual(4);
    expect(scratch.names).toEqual([]);
    expect(await litter()).toEqual([]);
  });

  it('uses more connections while that makes it faster', async () => {
    source.onChunk = () => systemClock.sleep(5, signal);
    await worker(new MemoryCopyScratch()).copy(blob, signal);
    expect(source.mostAtOnce).toBeGreaterThanOrEqual(8);
  });

  it('goes on at the byte after any number of kills when its scratch is there', async () => {
    const scratch = new MemoryCopyScratch();
    for (let kill = 0; kill < 5; kill += 1) await killedAfter(2_000, scratch);
    await worker(scratch).copy(blob, signal);
    expect(await stored()).toBe(true);
    // What was on its way when a worker ended: a chunk for each connection at the most.
    expect(source.sent).toBeLessThanOrEqual(content.length + 5 * 8 * 100);
    expect(scratch.names).toEqual([]);
    expect(await litter()).toEqual([]);
  });

  it('goes on with the stored parts when another machine takes over', async () => {
    const killed = new AbortController();
    const stuck = worker(new MemoryCopyScratch());
    const storedParts = async (): Promise<number> => {
      const state = await store.read(keys.copy(blob.digest), signal);
      return state === undefined ? 0 : JSON.parse(Buffer.from(state.bytes).toString()).parts.length;
    };
    source.onChunk = async (at) => {
      if (at < 8 * PART) return;
      while (!killed.signal.aborted && (await storedParts()) < 6) await systemClock.sleep(5, signal);
      killed.abort(new Error('killed'));
    };
    await expect(stuck.copy(blob, killed.signal)).rejects.toThrow('killed');
    source.onChunk = () => undefined;
    const before = source.sent;
    await worker(new MemoryCopyScratch()).copy(blob, signal);
    expect(await stored()).toBe(true);
    expect(source.sent - before).toBeLessThanOrEqual(content.length - 6 * PART);
    expect(await litter()).toEqual([]);
  });

  it('is fetched once by two workers that are asked for it at the same time', async () => {
    const both = [new MemoryCopyScratch(), new MemoryCopyScratch()].map((scratch) => worker(scratch, systemClock));
    await Promise.all(both.map((each) => each.copy(blob, signal)));
    expect(await stored()).toBe(true);
    expect(source.sent).toBe(content.length);
    expect(await litter()).toEqual([]);
  });

  it('is taken up at once by another worker when one has failed with it, though by its clock that one still owns it', async () => {
    source = Object.assign(new Source(), { openBlob: async () => undefined });
    await expect(worker(new MemoryCopyScratch(), patientClock).copy(blob, signal)).rejects.toThrow('no region has');
    source = new Source();
    // To wait for the end of that claim would take this one longer than it may.
    const behind = { ...patientClock, now: () => patientClock.now() - 600_000 };
    await worker(new MemoryCopyScratch(), behind).copy(blob, AbortSignal.timeout(20_000));
    expect(await stored()).toBe(true);
    expect(await litter()).toEqual([]);
  });

  it('begins anew when a part was replaced by a write that came late: its state names a part that is no more', async () => {
    const scratch = new MemoryCopyScratch();
    const { multipart } = store;
    const complete = multipart.complete.bind(multipart);
    let late = true;
    multipart.complete = async (upload, parts, inner) => {
      const [first] = parts;
      if (late && first !== undefined) {
        await multipart.writePart(upload, first, content.subarray(0, first.size), inner);
      }
      late = false;
      return complete(upload, parts, inner);
    };
    await expect(worker(scratch).copy(blob, signal)).rejects.toMatchObject({ code: 'invalid' });
    await worker(scratch).copy(blob, signal);
    expect(await stored()).toBe(true);
    expect(await litter()).toEqual([]);
  });

  it('survives two workers that both believe to own it', async () => {
    const scratch = new MemoryCopyScratch();
    let stolen: Promise<void> | undefined;
    source.onChunk = async () => {
      if (stolen !== undefined || source.sent < 4_000) return;
      const state = await store.read(keys.copy(blob.digest), signal);
      if (state === undefined) return;
      const text = Buffer.from(state.bytes)
        .toString()
        .replace(/"untilMs":\d+/, '"untilMs":0');
      await store.put(keys.copy(blob.digest), Buffer.from(text), { signal });
      stolen = worker(scratch).copy(blob, signal);
    };
    await worker(scratch).copy(blob, signal);
    await stolen;
    expect(stolen).toBeDefined();
    expect(await stored()).toBe(true);
    expect(await litter()).toEqual([]);
  });

  it('finds nothing to fetch when a worker ended between the last part and the record', async () => {
    const failing = new Copier({
      store: new Proxy(store, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
      blobs: Object.assign(new BlobStore({ store, clock: hastyClock, random: new SeededRandom(9) }), {
        adopt: () => Promise.reject(new Error('killed')),
      }),
      sources: [source] as unknown as PeerClient[],
      scratch: new MemoryCopyScratch(),
      partedFromBytes: 1,
      ...{ partBytes: PART, pieceBytes: PART / 2 },
      onBytes: () => undefined,
      clock: hastyClock,
      random: new SeededRandom(10),
    });
    await expect(failing.copy(blob, signal)).rejects.toThrow('killed');
    await worker(new MemoryCopyScratch()).copy(blob, signal);
    expect(await stored()).toBe(true);
    expect(source.sent).toBe(content.length);
    expect(await litter()).toEqual([]);
  });

  it('stores nothing of what does not hash, and begins anew', async () => {
    const scratch = new MemoryCopyScratch();
    source.bytes = Buffer.alloc(content.length);
    await expect(worker(scratch).copy(blob, signal)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    expect(await blobs.stat(blob.digest, signal)).toBeUndefined();
    expect(scratch.names).toEqual([]);
    expect(await litter()).toEqual([]);
    source.bytes = content;
    await worker(scratch).copy(blob, signal);
    expect(await stored()).toBe(true);
  });

  it('does not trust damaged scratch: what does not hash is fetched anew', async () => {
    const scratch = new MemoryCopyScratch();
    await killedAfter(3_000, scratch);
    // Of a part that is not whole, and so not stored.
    const name = scratch.names.at(-1) ?? '';
    const piece = await scratch.open(name, PART);
    await piece.drop();
    await (await scratch.open(name, PART)).append(Buffer.alloc(piece.size));
    await expect(worker(scratch).copy(blob, signal)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    await worker(scratch).copy(blob, signal);
    expect(await stored()).toBe(true);
  });

  describe('followed by a region that is further away', () => {
    const near = parseRegionName('near');
    let nearer: Copier;
    let primary: Source;
    let farStore: MemoryObjectStore;

    beforeEach(() => {
      nearer = worker(new MemoryCopyScratch());
      primary = new Source();
      farStore = new MemoryObjectStore({ clock: hastyClock });
    });

    /** The nearer region as the further one sees it: what it has, and what it is just copying. */
    const asPeer = (clock: Clock) => ({
      region: near,
      openBlob: async (_digest: unknown, { range, followMs, signal: reading }: OpenBlobOptions) => {
        const here = await blobs.stat(blob.digest, reading);
        if (here !== undefined) {
          const wanted = { start: range?.start ?? 0, end: range?.end ?? blob.size - 1 };
          return { size: here.size, body: await blobs.open(here, wanted, reading) };
        }
        // Its own clock is the hasty one.
        const waitMs = (followMs ?? 0) * (clock === patientClock ? 400 : 1);
        const found = await nearer.follow(blob.digest, waitMs, reading);
        if (found === undefined || followMs === undefined) return undefined;
        const span = { start: range?.start ?? 0, end: (range?.end ?? blob.size - 1) + 1 };
        const body = Readable.from(broken(near, found.read(span, reading)), { objectMode: false });
        return { size: found.size, body, growing: true };
      },
    });

    async function* broken(region: RegionName, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks;
      } catch (cause) {
        throw new PeerError('stalled', region, 'it broke off', { cause });
      }
    }

    /** By the patient clock where nothing has to be waited for. */
    function further(clock = hastyClock): Copier {
      return new Copier({
        store: farStore,
        blobs: new BlobStore({ store: farStore, clock, random: new SeededRandom(50) }),
        sources: [asPeer(clock), primary] as unknown as PeerClient[],
        upstream: new Set([near]),
        followedFromBytes: 1,
        scratch: new MemoryCopyScratch(),
        partedFromBytes: 1,
        ...{ partBytes: PART, pieceBytes: PART / 2 },
        onBytes: () => undefined,
        clock,
        random: new SeededRandom(51),
      });
    }

    async function arrived(): Promise<boolean> {
      const found = await new BlobStore({ store: farStore, clock: hastyClock, random: new SeededRandom(52) }).stat(
        blob.digest,
        signal,
      );
      return found !== undefined;
    }

    it('waits with all of its connections for a nearer region to begin, and takes nothing from the primary meanwhile', async () => {
      source.onChunk = () => systemClock.sleep(1, signal);
      const copying = further(patientClock).copy(blob, signal);
      await systemClock.sleep(20, signal);
      await Promise.all([nearer.copy(blob, signal), copying]);
      expect(await arrived()).toBe(true);
      expect(primary.sent).toBe(0);
    });

    it('takes each byte over the link once, while it is on its way', async () => {
      source.onChunk = () => systemClock.sleep(1, signal);
      const copying = nearer.copy(blob, signal);
      await further(patientClock).copy(blob, signal);
      await copying;
      expect(await arrived()).toBe(true);
      expect(source.sent).toBe(content.length);
      expect(primary.sent).toBe(0);
    });

    it('is not held up by it when it does not move', async () => {
      const stop = new AbortController();
      source.onChunk = () => (source.sent < 2_000 ? undefined : systemClock.sleep(60_000, stop.signal));
      const copying = nearer.copy(blob, stop.signal).catch(() => 'stopped');
      await further().copy(blob, signal);
      expect(await arrived()).toBe(true);
      // What came by each of the connections before it stood still.
      expect(primary.sent).toBeGreaterThan(content.length - 2_000 - MAX_LANES * 100);
      stop.abort(new Error('enough'));
      expect(await copying).toBe('stopped');
    });

    it('asks the primary when it never begins', async () => {
      await further().copy(blob, signal);
      expect(await arrived()).toBe(true);
      expect(primary.sent).toBe(content.length);
    });
  });

  describe('with its scratch in files', () => {
    let directory: string;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'meridian-copies-'));
    });

    afterEach(() => rm(directory, { recursive: true, force: true }));

    it('goes on where it was killed, and leaves no file', async () => {
      await killedAfter(5_000, await FileCopyScratch.create(directory, systemClock));
      expect((await readdir(directory)).length).toBeGreaterThan(0);
      const before = source.sent;
      await worker(await FileCopyScratch.create(directory, systemClock)).copy(blob, signal);
      expect(await stored()).toBe(true);
      expect(source.sent - before).toBeLessThan(content.length - 4_000);
      expect(await readdir(directory)).toEqual([]);
    });
  });
});
