import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from '#libs/oci';
import { systemClock, systemRandom } from '#libs/resilience';
import { MemoryObjectStore, type ObjectStore } from '#libs/storage';
import { BlobStore, INLINE_BYTES } from './blob-store.js';

const signal = new AbortController().signal;

function open(): { readonly blobs: BlobStore; readonly store: ObjectStore } {
  const store: ObjectStore = new MemoryObjectStore({ clock: systemClock });
  store.presign = ({ key }) => `http://store.test/${key}`;
  return { store, blobs: new BlobStore({ store, clock: systemClock, random: systemRandom }) };
}

const bodyOf = (bytes: Buffer) => Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });

async function keysOf(store: ObjectStore): Promise<readonly string[]> {
  const { objects } = await store.list({ prefix: '', limit: 10 }, signal);
  return objects.map(({ key }) => key.split('/')[0] ?? '');
}

async function text(body: Readable): Promise<string> {
  return Buffer.concat(await body.toArray()).toString();
}

describe('BlobStore', () => {
  it.each([
    [0, ['blobs']],
    [1, ['blobs']],
    [INLINE_BYTES, ['blobs']],
    [INLINE_BYTES + 1, ['blobs', 'data']],
  ])('keeps a blob of %d bytes in %p', async (size, places) => {
    const { blobs, store } = open();
    const bytes = Buffer.alloc(size, 'abcdefg');
    await blobs.store({ digest: digestOf(bytes), size }, bodyOf(bytes), signal);
    expect(await keysOf(store)).toEqual(places);
    const record = await blobs.stat(digestOf(bytes), signal);
    if (record === undefined) throw new Error('it is not there');
    expect(await text(await blobs.open(record, undefined, signal))).toBe(bytes.toString());
    expect(blobs.location(record) === undefined).toBe(places.length === 1);
  });

  it.each([
    [{ start: 0, end: 0 }, 'h'],
    [{ start: 1, end: 3 }, 'ell'],
    [{ start: 4 }, 'o'],
    [{ start: 1, end: 99 }, 'ello'],
  ])('serves the range %p of bytes in a record', async (range, expected) => {
    const { blobs } = open();
    const digest = digestOf('hello');
    const record = await blobs.store({ digest, size: 5 }, bodyOf(Buffer.from('hello')), signal);
    expect(await text(await blobs.open(record, range, signal))).toBe(expected);
  });

  it.each([
    ['other bytes', 'world', 'DIGEST_INVALID'],
    ['fewer bytes', 'hell', 'SIZE_INVALID'],
    ['more bytes', 'hello!', 'SIZE_INVALID'],
  ])('shows nothing of %s than were promised', async (_what, sent, code) => {
    const { blobs, store } = open();
    const expected = { digest: digestOf('hello'), size: 5 };
    await expect(blobs.store(expected, bodyOf(Buffer.from(sent)), signal)).rejects.toMatchObject({ code });
    expect(await keysOf(store)).toEqual([]);
  });

  it('fails as a store does when the source fails or the caller goes', async () => {
    const { blobs } = open();
    const lost = new Error('the client is gone');
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('he');
        throw lost;
      })(),
      { objectMode: false },
    );
    const expected = { digest: digestOf('hello'), size: 5 };
    await expect(blobs.store(expected, broken, signal)).rejects.toMatchObject({ code: 'invalid', cause: lost });
    const leaving = new AbortController();
    const waiting = blobs.store(expected, new Readable({ read() {} }), leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
  });
});
