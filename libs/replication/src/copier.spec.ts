import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseRegionName } from '#libs/geo';
import { type BlobDescriptor, digestOf } from '#libs/oci';
import { type PeerClient, PeerError } from '#libs/peer';
import { BlobStore } from '#libs/registry';
import { FakeClock, SeededRandom } from '#libs/resilience/testing';
import { type ByteRange, keys, MemoryObjectStore } from '#libs/storage';
import { Copier } from './copier.js';
import { MemoryCopyScratch } from './memory-copy-scratch.js';

const content = randomBytes(1_000);
const blob: BlobDescriptor = { digest: digestOf(content), size: content.length };
const signal = new AbortController().signal;

/** What a source does when it is asked: give so many bytes and break, give all, lie, lack it, be out of reach. */
type Deed = number | 'all' | 'lie' | 'lack' | 'unreachable' | 'other size';

class ScriptedSource implements Pick<PeerClient, 'region' | 'openBlob'> {
  readonly region;
  readonly asked: number[] = [];
  sent = 0;

  constructor(
    name: string,
    private readonly deeds: Deed[],
  ) {
    this.region = parseRegionName(name);
  }

  async openBlob(_digest: unknown, { range }: { readonly range?: ByteRange }) {
    const start = range?.start ?? 0;
    this.asked.push(start);
    const deed = this.deeds.length > 1 ? this.deeds.shift() : this.deeds[0];
    if (deed === 'unreachable') throw new PeerError('unreachable', this.region, 'no route');
    if (deed === 'lack' || deed === undefined) return undefined;
    const size = deed === 'other size' ? 7 : content.length;
    return { size, body: Readable.from(this.#body(deed, start)) };
  }

  async *#body(deed: Deed, start: number): AsyncGenerator<Buffer> {
    if (deed === 'lie') {
      yield this.#send(Buffer.alloc(content.length - start));
      return;
    }
    const end = typeof deed === 'number' ? start + deed : content.length;
    yield this.#send(content.subarray(start, end));
    if (end < content.length) throw new PeerError('stalled', this.region, 'it broke off');
  }

  #send(bytes: Buffer): Buffer {
    this.sent += bytes.length;
    return bytes;
  }
}

describe('Copier', () => {
  let clock: FakeClock;
  let store: MemoryObjectStore;
  let blobs: BlobStore;

  beforeEach(() => {
    clock = new FakeClock();
    store = new MemoryObjectStore({ clock });
    blobs = new BlobStore({ store, clock, random: new SeededRandom(1) });
  });

  function copierFrom(...sources: ScriptedSource[]): Copier {
    return new Copier({
      store,
      blobs,
      scratch: new MemoryCopyScratch(),
      sources: sources as unknown as PeerClient[],
      onBytes: () => undefined,
      clock,
      random: new SeededRandom(2),
    });
  }

  /** The outcome of a copy, letting time pass while it takes. */
  async function outcome(copying: Promise<void>): Promise<unknown> {
    let ended = false;
    const settled = copying
      .then(
        () => 'copied',
        (error: unknown) => error,
      )
      .finally(() => {
        ended = true;
      });
    for (let turn = 0; turn < 1_000 && !ended; turn += 1) await clock.advance(100);
    return settled;
  }

  async function stored(): Promise<Buffer | undefined> {
    const record = await blobs.stat(blob.digest, signal);
    return record === undefined ? undefined : buffer(await blobs.open(record, undefined, signal));
  }

  const source = (name: string, ...deeds: Deed[]) => new ScriptedSource(name, deeds);

  it('asks the nearest region that has the blob, and no other', async () => {
    const [near, middle, far] = [source('near', 'lack'), source('middle', 'all'), source('far', 'all')];
    expect(await outcome(copierFrom(near, middle, far).copy(blob, signal))).toBe('copied');
    expect([near.asked, middle.asked, far.asked]).toEqual([[0], [0], []]);
    expect(await stored()).toEqual(content);
  });

  it('asks nobody for a blob that is here', async () => {
    await blobs.ingest(blob, Readable.from([content]), signal);
    const near = source('near', 'all');
    expect(await outcome(copierFrom(near).copy(blob, signal))).toBe('copied');
    expect(near.asked).toEqual([]);
  });

  it('believes for ten seconds that a small blob is not here, and looks again afterwards', async () => {
    const small = { size: content.length, digest: blob.digest };
    await blobs.ingest(small, Readable.from([content]), signal);
    const near = source('near', 'all', 'all');
    await clock.advance(1_000);
    expect(await outcome(copierFrom(near).copy({ ...small, absentMs: clock.monotonic() - 1_000 }, signal))).toBe(
      'copied',
    );
    expect(near.asked).toEqual([0]);
    expect(await outcome(copierFrom(near).copy({ ...small, absentMs: clock.monotonic() - 11_000 }, signal))).toBe(
      'copied',
    );
    expect(near.asked).toEqual([0]);
  });

  it('goes on at the next source where the first broke off', async () => {
    const [near, far] = [source('near', 400), source('far', 'all')];
    expect(await outcome(copierFrom(near, far).copy(blob, signal))).toBe('copied');
    expect(far.asked).toEqual([400]);
    expect(await stored()).toEqual(content);
  });

  it('goes on at the only source however often it breaks off, and fetches no byte twice', async () => {
    const only = source('only', 10, 'unreachable', 300, 300, 'unreachable', 'all');
    expect(await outcome(copierFrom(only).copy(blob, signal))).toBe('copied');
    expect(only.sent).toBe(content.length);
    expect(await stored()).toEqual(content);
  });

  it.each([
    ['is out of reach', 'unreachable', 'unreachable'],
    ['has a blob of another size under the digest', 'other size', 'protocol'],
  ] as const)('fails when the only source %s, and stores nothing', async (_what, deed, code) => {
    const only = source('only', deed);
    expect(await outcome(copierFrom(only).copy(blob, signal))).toMatchObject({ code });
    expect(only.asked.length).toBeLessThanOrEqual(4);
    expect(await stored()).toBeUndefined();
  });

  it('fails at once when every source was asked and none has the blob', async () => {
    const result = await outcome(copierFrom(source('near', 'lack'), source('far', 'lack')).copy(blob, signal));
    expect(result).toMatchObject({ message: expect.stringContaining('no region has') });
  });

  it('stores nothing of what does not hash, and asks last who sent it three times', async () => {
    const [near, far] = [source('near', 'lie'), source('far', 'all')];
    const copier = copierFrom(near, far);
    for (let time = 0; time < 3; time += 1) {
      expect(await outcome(copier.copy(blob, signal))).toMatchObject({ code: 'DIGEST_INVALID' });
      expect(await stored()).toBeUndefined();
    }
    expect(await outcome(copier.copy(blob, signal))).toBe('copied');
    expect(near.asked).toHaveLength(3);
  });

  it('leaves a source alone for a while that could not be reached', async () => {
    const [near, far] = [source('near', 'unreachable'), source('far', 'all')];
    const copier = copierFrom(near, far);
    for (const [pauseMs, asked] of [
      [0, 1],
      [500, 1],
      [5_000, 2],
    ] as const) {
      await clock.advance(pauseMs);
      await store.delete(keys.blob(blob.digest), signal);
      expect(await outcome(copier.copy(blob, signal))).toBe('copied');
      expect(near.asked).toHaveLength(asked);
    }
  });

  it('rejects with the reason of the signal, and leaves nothing behind', async () => {
    const stop = new AbortController();
    const copying = copierFrom(source('only', 10, 'unreachable')).copy(blob, stop.signal);
    const ended = copying.catch((error: unknown) => error);
    await clock.advance(10);
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await ended).toBe(reason);
    expect(await stored()).toBeUndefined();
  });

  it('needs no source for the empty blob', async () => {
    const empty = { digest: digestOf(''), size: 0 };
    expect(await outcome(copierFrom().copy(empty, signal))).toBe('copied');
    expect(await blobs.stat(empty.digest, signal)).toMatchObject({ size: 0 });
  });
});
