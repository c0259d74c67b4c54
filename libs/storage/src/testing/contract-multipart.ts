import { expect, it } from '@jest/globals';
import type { MultipartUpload, ObjectStore, StoredPart } from '../object-store.js';
import { failingStream, neverAborted, type Subject, sampleBytes, streamOf, stuckStream } from './contract-subject.js';

const KEY = 'data/assembled';

export function multipartCases(subject: Subject): void {
  const signal = neverAborted();

  /** Three parts, as small as the store allows. */
  function threeParts(store: ObjectStore): { readonly offset: number; readonly bytes: Uint8Array }[] {
    const size = store.multipart.minPartBytes + 10;
    return [0, 1, 2].map((at) => ({ offset: at * size, bytes: sampleBytes(at === 2 ? 7 : size, at + 1) }));
  }

  async function write(upload: MultipartUpload, number: number, store = subject.store): Promise<StoredPart> {
    const { offset, bytes } = threeParts(store)[number - 1] ?? { offset: 0, bytes: new Uint8Array() };
    return await store.multipart.writePart(upload, { number, offset, size: bytes.byteLength }, bytes, signal);
  }

  async function expectWhole(): Promise<void> {
    const expected = Buffer.concat(threeParts(subject.store).map(({ bytes }) => bytes));
    expect(await subject.another.stat(KEY, signal)).toMatchObject({ size: expected.byteLength });
    const opened = await subject.another.open(KEY, { signal });
    expect(Buffer.concat((await opened?.body.toArray()) ?? []).equals(expected)).toBe(true);
    const range = { start: subject.store.multipart.minPartBytes, end: expected.byteLength - 2 };
    const part = await subject.another.open(KEY, { signal, range });
    const bytes = Buffer.concat((await part?.body.toArray()) ?? []);
    expect(bytes.equals(expected.subarray(range.start, range.end + 1))).toBe(true);
    const read = await subject.another.read(KEY, signal, expected.byteLength);
    expect(read && expected.equals(read.bytes)).toBe(true);
  }

  it('makes an object of parts that came in any order, and shows nothing before', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    expect(upload.key).toBe(KEY);
    const [third, first, second] = [await write(upload, 3), await write(upload, 1), await write(upload, 2)];
    expect(await subject.another.stat(KEY, signal)).toBeUndefined();
    expect((await subject.another.list({ prefix: '', limit: 10 }, signal)).objects).toEqual([]);
    const stat = await subject.store.multipart.complete(upload, [first, second, third], signal);
    expect(stat).toMatchObject({ key: KEY, size: third.offset + third.size });
    expect(await subject.another.stat(KEY, signal)).toMatchObject({ etag: stat.etag });
    await expectWhole();
  });

  it('takes parts at the same time, and from streams', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const parts = await Promise.all(
      threeParts(subject.store).map(({ offset, bytes }, at) => {
        const body = streamOf(bytes.subarray(0, 3), bytes.subarray(3));
        const position = { number: at + 1, offset, size: bytes.byteLength };
        return subject.store.multipart.writePart(upload, position, body, signal);
      }),
    );
    await subject.store.multipart.complete(upload, parts, signal);
    await expectWhole();
  });

  it('lets another instance go on and complete', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const first = await write(upload, 1);
    const second = await write(upload, 2, subject.another);
    const third = await write(upload, 3);
    await subject.another.multipart.complete(upload, [first, second, third], signal);
    await expectWhole();
  });

  it('replaces a part that is written again', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const { bytes } = threeParts(subject.store)[0] ?? { bytes: new Uint8Array() };
    const wrong = sampleBytes(bytes.byteLength, 99);
    const position = { number: 1, offset: 0, size: wrong.byteLength };
    await subject.store.multipart.writePart(upload, position, wrong, signal);
    const parts = [await write(upload, 1), await write(upload, 2), await write(upload, 3)];
    await subject.store.multipart.complete(upload, parts, signal);
    await expectWhole();
  });

  it('replaces an object that is there', async () => {
    const before = await subject.store.put(KEY, sampleBytes(10), { signal });
    for (const _round of [1, 2]) {
      const upload = await subject.store.multipart.begin(KEY, signal);
      const parts = [await write(upload, 1), await write(upload, 2), await write(upload, 3)];
      const after = await subject.store.multipart.complete(upload, parts, signal);
      expect(after.etag).not.toBe(before.etag);
      await expectWhole();
    }
    await subject.store.put(KEY, sampleBytes(10), { signal });
    expect(await subject.another.stat(KEY, signal)).toMatchObject({ size: 10 });
  });

  it('refuses to complete with a part that was not stored', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const first = await write(upload, 1);
    const invented = { ...first, etag: '"0123456789abcdef0123456789abcdef"' };
    await expect(subject.store.multipart.complete(upload, [invented], signal)).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(await subject.another.stat(KEY, signal)).toBeUndefined();
    await subject.store.multipart.abort(upload, signal);
  });

  it('completes once', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const parts = [await write(upload, 1), await write(upload, 2), await write(upload, 3)];
    const { etag } = await subject.store.multipart.complete(upload, parts, signal);
    const again = subject.another.multipart.complete(upload, parts, signal).then(
      (stat) => ({ etag: stat.etag }),
      (error: unknown) => error,
    );
    const told = (await again) instanceof Error ? { name: 'StorageError', code: 'no_such_upload' } : { etag };
    expect(await again).toMatchObject(told);
    expect(await subject.store.stat(KEY, signal)).toMatchObject({ etag });
    await expectWhole();
  });

  it('aborts, more than once, and knows the upload no more', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const parts = [await write(upload, 1)];
    await subject.store.multipart.abort(upload, signal);
    await subject.another.multipart.abort(upload, signal);
    const unknown = { name: 'StorageError', code: 'no_such_upload' };
    await expect(subject.store.multipart.complete(upload, parts, signal)).rejects.toMatchObject(unknown);
    await expect(write(upload, 2)).rejects.toMatchObject(unknown);
    expect(await subject.another.stat(KEY, signal)).toBeUndefined();
  });

  it('leaves the object alone when an upload is aborted after its completion', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const parts = [await write(upload, 1), await write(upload, 2), await write(upload, 3)];
    await subject.store.multipart.complete(upload, parts, signal);
    await subject.store.multipart.abort(upload, signal);
    await expectWhole();
  });

  it.each([
    ['too few', 2],
    ['too many', 4],
  ])('does not count a part of %s bytes', async (_what, size) => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const position = { number: 1, offset: 0, size };
    for (const body of [streamOf('123'), Buffer.from('123')]) {
      const writing = subject.store.multipart.writePart(upload, position, body, signal);
      await expect(writing).rejects.toMatchObject({ name: 'StorageError', code: 'invalid' });
    }
    await subject.store.multipart.abort(upload, signal);
  });

  it('does not count a part whose stream failed or was aborted', async () => {
    const upload = await subject.store.multipart.begin(KEY, signal);
    const position = { number: 1, offset: 0, size: 10 };
    const failure = new Error('the client went away');
    const failing = subject.store.multipart.writePart(upload, position, failingStream(failure, '123'), signal);
    await expect(failing).rejects.toMatchObject({ name: 'StorageError', cause: failure });
    const client = new AbortController();
    const stuck = subject.store.multipart.writePart(upload, position, stuckStream('123'), client.signal);
    setImmediate(() => client.abort(failure));
    await expect(stuck).rejects.toBe(failure);
    const parts = [await write(upload, 1), await write(upload, 2), await write(upload, 3)];
    await subject.store.multipart.complete(upload, parts, signal);
    await expectWhole();
  });

  it('lists the uploads that are neither completed nor aborted', async () => {
    const before = Date.now();
    const kept = await subject.store.multipart.begin('data/kept', signal);
    const same = await subject.store.multipart.begin('data/kept', signal);
    const other = await subject.store.multipart.begin('other/one', signal);
    const aborted = await subject.store.multipart.begin('data/aborted', signal);
    await subject.store.multipart.abort(aborted, signal);
    const found = await subject.another.multipart.listUploads('data/', signal);
    expect(found.map(({ key }) => key)).toEqual(['data/kept', 'data/kept']);
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set([kept.id, same.id]));
    for (const { beganMs } of found) expect(Math.abs(beganMs - before)).toBeLessThan(10_000);
    expect(await subject.another.multipart.listUploads('', signal)).toHaveLength(3);
    for (const upload of [kept, same, other]) await subject.store.multipart.abort(upload, signal);
  });
}
