import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type BlobDescriptor, digestOf, parseDigest, parseRepositoryName, RegistryError } from '#libs/oci';
import { nextTurn, systemClock } from '#libs/resilience';
import { SeededRandom } from '#libs/resilience/testing';
import { keys, MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { FaultyObjectStore } from '#libs/storage/testing';
import { LocalBlobUploads } from './local-blob-uploads.js';
import { openRegionContent, type RegionContent } from './region-content.js';

const never = new AbortController().signal;
const repository = parseRepositoryName('demo/app');
const other = parseRepositoryName('demo/other');
const MIB = 1024 * 1024;

interface Node {
  readonly uploads: LocalBlobUploads;
  readonly content: RegionContent;
  readonly committed: BlobDescriptor[];
}

/** A process of the region that `store` belongs to. */
function node(store: ObjectStore, seed = 1): Node {
  const random = new SeededRandom(seed);
  const content = openRegionContent({ store, clock: systemClock, random });
  const committed: BlobDescriptor[] = [];
  const uploads = new LocalBlobUploads({
    store,
    content,
    clock: systemClock,
    random,
    idKey: new Uint8Array(32),
    headSeq: () => 0,
    onCommitted: (blob) => committed.push(blob),
    signal: never,
  });
  return { uploads, content, committed };
}

const memory = () => new MemoryObjectStore({ clock: systemClock });
const body = (bytes: Uint8Array) => Readable.from(bytes.length === 0 ? [] : pieces(bytes, 64 * 1024));

function* pieces(bytes: Uint8Array, size: number): Iterable<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield Buffer.from(bytes.subarray(start, start + size));
}

/** A body whose connection is lost after those bytes. */
async function* broken(bytes: Uint8Array): AsyncIterable<Buffer> {
  yield* pieces(bytes, 1024);
  throw new Error('the client is gone');
}

async function stored({ content }: Node, digest: string): Promise<Buffer | undefined> {
  const record = await content.blobs.stat(parseDigest(digest), never);
  if (record === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of await content.blobs.open(record, undefined, never)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function leftovers(store: ObjectStore): Promise<readonly string[]> {
  const sessions = await store.list({ prefix: keys.uploadPrefix, limit: 10 }, never);
  return sessions.objects.map((object) => object.key);
}

function splitLine(bytes: Uint8Array): { readonly text: string; readonly tail: Uint8Array } {
  const end = bytes.indexOf(0x0a);
  return { text: Buffer.from(bytes.subarray(0, end)).toString(), tail: bytes.subarray(end + 1) };
}

/** A pattern whose length divides no part's size, so that bytes in the wrong place are seen. */
const sample = (size: number, seed = 7) => Buffer.alloc(size, new SeededRandom(seed).bytes(1_009));

describe('blob uploads', () => {
  it.each([0, 1, 1_000, 8 * MIB, 8 * MIB + 1, 21 * MIB])('store %d bytes that came in one PATCH', async (size) => {
    const store = memory();
    const region = node(store);
    const bytes = Buffer.alloc(size, 'x');
    const { id } = await region.uploads.begin(repository);
    const status = await region.uploads.append(repository, id, { body: body(bytes) }, never);
    expect(status.offset).toBe(size);
    const blob = await region.uploads.finish(
      repository,
      id,
      { body: body(Buffer.alloc(0)), digest: digestOf(bytes) },
      never,
    );
    expect(blob).toEqual({ digest: digestOf(bytes), size });
    expect((await stored(region, blob.digest))?.equals(bytes)).toBe(true);
    expect(await region.content.links.has(repository, blob.digest, never)).toBe(true);
    expect(await region.content.links.has(other, blob.digest, never)).toBe(false);
    expect(region.committed).toEqual([blob]);
    expect(await leftovers(store)).toEqual([]);
  });

  it('store what came in chunks of any sizes, through any process of the region', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 * MIB }), { maxLength: 5 }), async (sizes) => {
        const store = memory();
        const nodes = [node(store, 1), node(store, 2)];
        const bytes = sample(sizes.reduce((sum, size) => sum + size, 0) + 10);
        const { id } = await at(nodes, 0).uploads.begin(repository);
        let offset = 0;
        for (const [turn, size] of sizes.entries()) {
          const chunk = bytes.subarray(offset, offset + size);
          const range = size === 0 ? {} : { range: { start: offset, end: offset + size - 1 } };
          await at(nodes, turn).uploads.append(repository, id, { body: body(chunk), size, ...range }, never);
          offset += size;
          expect((await at(nodes, turn + 1).uploads.status(repository, id, never)).offset).toBe(offset);
        }
        const last = { body: body(bytes.subarray(offset)), size: 10, digest: digestOf(bytes) };
        await at(nodes, sizes.length).uploads.finish(repository, id, last, never);
        expect((await stored(at(nodes, 0), digestOf(bytes)))?.equals(bytes)).toBe(true);
        expect(await leftovers(store)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  it('keep what came before the connection was lost, and go on from there', async () => {
    const store = memory();
    const region = node(store);
    const bytes = sample(20 * MIB);
    const { id } = await region.uploads.begin(repository);
    const cut = 17 * MIB + 5;
    await expect(
      region.uploads.append(repository, id, { body: Readable.from(broken(bytes.subarray(0, cut))) }, never),
    ).rejects.toThrow('the client is gone');
    const { offset } = await region.uploads.status(repository, id, never);
    expect(offset).toBe(cut);
    expect(await region.content.blobs.stat(digestOf(bytes), never)).toBeUndefined();
    const rest = { body: body(bytes.subarray(cut)), digest: digestOf(bytes) };
    await region.uploads.finish(repository, id, rest, never);
    expect((await stored(region, digestOf(bytes)))?.equals(bytes)).toBe(true);
  });

  it.each([
    ['a gap', { start: 11, end: 20 }],
    ['an overlap', { start: 5, end: 14 }],
    ['a chunk sent again', { start: 0, end: 9 }],
  ])('refuse %s with the place to go on from', async (_name, range) => {
    const region = node(memory());
    const { id } = await region.uploads.begin(repository);
    await region.uploads.append(repository, id, { body: body(sample(10)), range: { start: 0, end: 9 } }, never);
    await expect(region.uploads.append(repository, id, { body: body(sample(10)), range }, never)).rejects.toMatchObject(
      { code: 'BLOB_UPLOAD_INVALID', status: 416, headers: { Range: '0-9' } },
    );
  });

  it('let one of two writers of a session win', async () => {
    const store = memory();
    const nodes = [node(store, 1), node(store, 2)];
    const { id } = await at(nodes, 0).uploads.begin(repository);
    const chunks = [sample(9 * MIB, 1), sample(9 * MIB, 2)];
    const outcomes = await Promise.allSettled(
      chunks.map((chunk, turn) => at(nodes, turn).uploads.append(repository, id, { body: body(chunk) }, never)),
    );
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
    const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
    const bytes = chunks[winner] ?? Buffer.alloc(0);
    await at(nodes, winner).uploads.finish(
      repository,
      id,
      { body: body(Buffer.alloc(0)), digest: digestOf(bytes) },
      never,
    );
    expect((await stored(at(nodes, 0), digestOf(bytes)))?.equals(bytes)).toBe(true);
  });

  it('claim a session as soon as it is sure that a part comes, and read on meanwhile', async () => {
    const store = memory();
    const nodes = [node(store, 1), node(store, 2)];
    const { id } = await at(nodes, 0).uploads.begin(repository);
    const bytes = sample(9 * MIB);
    const coming = new PassThrough();
    coming.write(bytes.subarray(0, 10));
    const appended = at(nodes, 0).uploads.append(repository, id, { body: coming, size: bytes.length }, never);
    while ((await leftovers(store)).length === 0) await nextTurn();
    const second = at(nodes, 1).uploads.append(repository, id, { body: body(sample(10)) }, never);
    await expect(second).rejects.toMatchObject({ code: 'BLOB_UPLOAD_INVALID', status: 416 });
    coming.end(bytes.subarray(10));
    expect((await appended).offset).toBe(bytes.length);
  });

  it('go on where a claim was made and nothing but the claim came', async () => {
    const store = memory();
    const region = node(store);
    const { id } = await region.uploads.begin(repository);
    const lost = { body: Readable.from(broken(Buffer.alloc(0))), size: 9 * MIB };
    await expect(region.uploads.append(repository, id, lost, never)).rejects.toThrow('the client is gone');
    expect((await region.uploads.status(repository, id, never)).offset).toBe(0);
    const bytes = sample(9 * MIB);
    const whole = { body: body(bytes), size: bytes.length, digest: digestOf(bytes) };
    await region.uploads.finish(repository, id, whole, never);
    expect((await stored(region, whole.digest))?.equals(bytes)).toBe(true);
    expect(await leftovers(store)).toEqual([]);
    expect(await store.multipart.listUploads('', never)).toEqual([]);
  });

  it('understand a session that an earlier version stored', async () => {
    const store = memory();
    const region = node(store);
    const { id } = await region.uploads.begin(repository);
    const bytes = sample(20 * MIB);
    await region.uploads.append(repository, id, { body: body(bytes.subarray(0, 17 * MIB)) }, never);
    const key = keys.upload(id.slice(0, 36));
    const { text, tail } = splitLine((await store.read(key, never))?.bytes ?? Buffer.alloc(0));
    const header = JSON.parse(text) as { parts: [number, string][] };
    const parts = header.parts.map(([size, etag], index) => ({
      number: index + 1,
      offset: index * 8 * MIB,
      size,
      etag,
    }));
    await store.put(key, Buffer.concat([Buffer.from(`${JSON.stringify({ ...header, parts })}\n`), tail]), {
      signal: never,
    });
    const last = { body: body(bytes.subarray(17 * MIB)), digest: digestOf(bytes) };
    await region.uploads.finish(repository, id, last, never);
    expect((await stored(region, last.digest))?.equals(bytes)).toBe(true);
  });

  it.each(['one request', 'a session', 'the only bytes of a session'])(
    'show nothing when the digest of %s is wrong',
    async (way) => {
      const store = memory();
      const region = node(store);
      const wrong = { body: body(sample(100)), size: 100, digest: digestOf('something else') };
      if (way === 'one request') {
        await expect(region.uploads.put(repository, wrong, never)).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
      } else {
        const { id } = await region.uploads.begin(repository);
        if (way === 'a session') await region.uploads.append(repository, id, { body: body(sample(50)) }, never);
        await expect(region.uploads.finish(repository, id, wrong, never)).rejects.toMatchObject({
          code: 'DIGEST_INVALID',
        });
        await expect(region.uploads.status(repository, id, never)).rejects.toMatchObject({
          code: 'BLOB_UPLOAD_UNKNOWN',
        });
      }
      expect(await region.content.blobs.stat(wrong.digest, never)).toBeUndefined();
      expect((await store.list({ prefix: keys.dataPrefix, limit: 10 }, never)).objects).toEqual([]);
    },
  );

  it.each([
    ['under another digest', '', digestOf('other')],
    ['with more bytes', '!', digestOf('hello!')],
  ])(
    'keep a blob whose session is finished again %s, after the first try had stored it',
    async (_how, rest, digest) => {
      let failing = true;
      const store = new FaultyObjectStore(memory(), ({ key }) =>
        failing && key.startsWith('links/') ? { kind: 'before' } : { kind: 'none' },
      );
      const region = node(store);
      const { uploads } = region;
      const { id } = await uploads.begin(repository);
      await uploads.append(repository, id, { body: body(Buffer.from('hello')) }, never);
      const first = uploads.finish(repository, id, { body: body(Buffer.alloc(0)), digest: digestOf('hello') }, never);
      await expect(first).rejects.toThrow('throttled');
      failing = false;
      await Promise.allSettled([uploads.finish(repository, id, { body: body(Buffer.from(rest)), digest }, never)]);
      expect((await stored(region, digestOf('hello')))?.toString()).toBe('hello');
    },
  );

  it('belong to the repository that they were begun in', async () => {
    const region = node(memory());
    const { id } = await region.uploads.begin(repository);
    const foreign = { code: 'BLOB_UPLOAD_UNKNOWN' };
    await expect(region.uploads.status(other, id, never)).rejects.toMatchObject(foreign);
    await expect(region.uploads.cancel(other, id, never)).rejects.toMatchObject(foreign);
    await expect(region.uploads.append(other, id, { body: body(sample(1)) }, never)).rejects.toMatchObject(foreign);
  });

  it('are gone once cancelled, and so are their parts', async () => {
    const store = memory();
    const region = node(store);
    const { id } = await region.uploads.begin(repository);
    await region.uploads.append(repository, id, { body: body(sample(9 * MIB)) }, never);
    await region.uploads.cancel(repository, id, never);
    await expect(region.uploads.cancel(repository, id, never)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    expect(await store.multipart.listUploads(keys.dataPrefix, never)).toEqual([]);
  });

  it.each(['nothing', 'some bytes'])('are gone in every process once cancelled, after %s had come', async (what) => {
    const store = memory();
    const nodes = [node(store, 1), node(store, 2)];
    const { id } = await at(nodes, 0).uploads.begin(repository);
    if (what === 'some bytes') await at(nodes, 0).uploads.append(repository, id, { body: body(sample(10)) }, never);
    await at(nodes, 0).uploads.cancel(repository, id, never);
    for (const { uploads } of nodes) {
      const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' };
      await expect(uploads.status(repository, id, never)).rejects.toMatchObject(unknown);
      await expect(uploads.append(repository, id, { body: body(sample(1)) }, never)).rejects.toMatchObject(unknown);
    }
  });

  it('begin anew when a part was replaced by an earlier try to write it that came late', async () => {
    const store = memory();
    const region = node(store);
    const bytes = sample(9 * MIB);
    const { id } = await region.uploads.begin(repository);
    const { multipart } = store;
    const complete = multipart.complete.bind(multipart);
    multipart.complete = async (upload, parts, signal) => {
      const [first] = parts;
      if (first !== undefined) await multipart.writePart(upload, first, bytes.subarray(0, first.size), signal);
      return complete(upload, parts, signal);
    };
    const last = { body: body(Buffer.alloc(0)), digest: digestOf(bytes) };
    await region.uploads.append(repository, id, { body: body(bytes) }, never);
    const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' };
    await expect(region.uploads.finish(repository, id, last, never)).rejects.toMatchObject(unknown);
    await expect(region.uploads.status(repository, id, never)).rejects.toMatchObject(unknown);
    expect(await multipart.listUploads(keys.dataPrefix, never)).toEqual([]);
    multipart.complete = complete;
    const again = await region.uploads.begin(repository);
    await region.uploads.append(repository, again.id, { body: body(bytes) }, never);
    await region.uploads.finish(repository, again.id, { ...last, body: body(Buffer.alloc(0)) }, never);
    expect((await stored(region, digestOf(bytes)))?.equals(bytes)).toBe(true);
  });

  it.each(['before', 'after'] as const)(
    'leave nothing of a session that is cancelled while a part is on its way, which comes %s its upload is dropped',
    async (when) => {
      const store = memory();
      const nodes = [node(store, 1), node(store, 2)];
      const { id } = await at(nodes, 0).uploads.begin(repository);
      const { multipart } = store;
      const writePart = multipart.writePart.bind(multipart);
      const cancel = () => at(nodes, 1).uploads.cancel(repository, id, never);
      multipart.writePart = async (upload, part, bytes, signal) => {
        if (when === 'after') await cancel();
        const written = await writePart(upload, part, bytes, signal).finally(async () => {
          multipart.writePart = writePart;
          if (when === 'before') await cancel();
        });
        return written;
      };
      const writing = at(nodes, 0).uploads.append(repository, id, { body: body(sample(17 * MIB)) }, never);
      await expect(writing).rejects.toBeInstanceOf(RegistryError);
      for (const { uploads } of nodes) {
        await expect(uploads.status(repository, id, never)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
      }
      expect(await multipart.listUploads(keys.dataPrefix, never)).toEqual([]);
      expect((await store.list({ prefix: keys.dataPrefix, limit: 10 }, never)).objects).toEqual([]);
    },
  );

  it('leave no upload behind that was begun for a session whose place somebody else took', async () => {
    const store = memory();
    const nodes = [node(store, 1), node(store, 2)];
    const { id } = await at(nodes, 0).uploads.begin(repository);
    const { multipart } = store;
    const begin = multipart.begin.bind(multipart);
    multipart.begin = async (key, signal) => {
      multipart.begin = begin;
      await at(nodes, 1).uploads.append(repository, id, { body: body(sample(10)) }, never);
      return begin(key, signal);
    };
    const late = at(nodes, 0).uploads.append(repository, id, { body: body(sample(9 * MIB)) }, never);
    await expect(late).rejects.toMatchObject({ code: 'BLOB_UPLOAD_INVALID', status: 416 });
    expect((await at(nodes, 0).uploads.status(repository, id, never)).offset).toBe(10);
    expect(await multipart.listUploads(keys.dataPrefix, never)).toEqual([]);
  });

  it.each([
    [64 * 1024, ['blobs', 'links']],
    [64 * 1024 + 1, ['blobs', 'data', 'links']],
  ])('cost of %d bytes that come with the end one write each in %p, and leave nothing else', async (size, places) => {
    const written: string[] = [];
    const store = new FaultyObjectStore(memory(), ({ key = '', operation }) => {
      if (!['read', 'stat', 'open', 'list'].includes(operation)) written.push(key.split('/')[0] ?? '');
      return { kind: 'none' };
    });
    const region = node(store);
    const bytes = sample(size);
    const { id } = await region.uploads.begin(repository);
    const last = { body: body(bytes), size, digest: digestOf(bytes) };
    await region.uploads.finish(repository, id, last, never);
    expect(written.sort()).toEqual(places);
    await expect(region.uploads.status(repository, id, never)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
  });

  it('ask the store nothing first about a small blob that comes whole with the end', async () => {
    const asked: string[] = [];
    const store = new FaultyObjectStore(memory(), ({ operation }) => {
      asked.push(operation);
      return { kind: 'none' };
    });
    const region = node(store);
    const bytes = sample(100);
    const { id } = await region.uploads.begin(repository);
    const last = { body: body(bytes), size: 100, digest: digestOf(bytes) };
    await region.uploads.finish(repository, id, last, never);
    expect(asked).toEqual(['put', 'put']);
    const again = region.uploads.finish(repository, id, { ...last, body: body(bytes) }, never);
    await expect(again).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
  });

  it('take nothing more where they were cancelled, however small', async () => {
    const region = node(memory());
    const bytes = sample(100);
    const { id } = await region.uploads.begin(repository);
    await region.uploads.cancel(repository, id, never);
    const late = region.uploads.finish(
      repository,
      id,
      { body: body(bytes), size: 100, digest: digestOf(bytes) },
      never,
    );
    await expect(late).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' });
    expect(await region.content.blobs.stat(digestOf(bytes), never)).toBeUndefined();
  });

  it('accept a sha512 digest after a session that was hashed as sha256', async () => {
    const region = node(memory());
    const bytes = sample(1_000);
    const { id } = await region.uploads.begin(repository);
    await region.uploads.append(repository, id, { body: body(bytes) }, never);
    const digest = digestOf(bytes, 'sha512');
    await region.uploads.finish(repository, id, { body: body(Buffer.alloc(0)), digest }, never);
    expect(await stored(region, digest)).toEqual(bytes);
  });

  it('keep one copy when many commit the same blob at once', async () => {
    const store = memory();
    const nodes = Array.from({ length: 4 }, (_, i) => node(store, i + 1));
    const bytes = sample(1_000);
    await Promise.all(
      nodes.map(({ uploads }) => uploads.put(repository, { body: body(bytes), digest: digestOf(bytes) }, never)),
    );
    expect((await store.list({ prefix: keys.dataPrefix, limit: 10 }, never)).objects).toHaveLength(1);
  });

  it('mount what the other repository may read, and nothing else', async () => {
    const region = node(memory());
    const bytes = sample(10);
    const { digest } = await region.uploads.put(other, { body: body(bytes), digest: digestOf(bytes) }, never);
    const third = parseRepositoryName('demo/third');
    expect(await region.uploads.mount(repository, digest, third, never)).toBeUndefined();
    expect(await region.uploads.mount(repository, digest, other, never)).toEqual({ digest, size: 10 });
    expect(await region.content.links.has(repository, digest, never)).toBe(true);
  });
});

function at(nodes: readonly Node[], turn: number): Node {
  const found = nodes[turn % nodes.length];
  if (found === undefined) throw new Error('no nodes');
  return found;
}
