import { expect, it } from '@jest/globals';
import { bytesOf, collectText, neverAborted, type Subject, sampleBytes, textOf } from './contract-subject.js';

export function objectCases(subject: Subject): void {
  const signal = neverAborted();
  const put = (key: string, text: string) => subject.store.put(key, bytesOf(text), { signal });

  it('answers undefined for what is not there', async () => {
    const { store } = subject;
    expect(await store.stat('none/here', signal)).toBeUndefined();
    expect(await store.read('none/here', signal)).toBeUndefined();
    expect(await store.open('none/here', { signal })).toBeUndefined();
    await store.delete('none/here', signal);
  });

  it('reads what was put, and says the same of it everywhere', async () => {
    const { store, another } = subject;
    const before = Date.now();
    const stat = await put('state/one', 'hello');
    expect(stat).toMatchObject({ key: 'state/one', size: 5 });
    expect(await another.stat('state/one', signal)).toMatchObject({ key: 'state/one', size: 5, etag: stat.etag });
    const read = await another.read('state/one', signal);
    expect(read).toMatchObject({ key: 'state/one', size: 5, etag: stat.etag });
    expect(textOf(read?.bytes)).toBe('hello');
    const page = await store.list({ prefix: 'state/', limit: 10 }, signal);
    expect(page).toMatchObject({ objects: [{ key: 'state/one', size: 5, etag: stat.etag }], more: false });
    // Servers round to seconds.
    for (const { modifiedMs } of [stat, ...page.objects]) expect(Math.abs(modifiedMs - before)).toBeLessThan(10_000);
  });

  it('keeps bytes that the caller changes afterwards as they were', async () => {
    const bytes = Buffer.from('before');
    await subject.store.put('k', bytes, { signal });
    bytes.fill('x');
    expect(textOf((await subject.store.read('k', signal))?.bytes)).toBe('before');
  });

  it('keeps empty objects', async () => {
    const stat = await put('catalog/empty', '');
    expect(stat.size).toBe(0);
    expect(await subject.store.stat('catalog/empty', signal)).toMatchObject({ size: 0, etag: stat.etag });
    expect((await subject.store.read('catalog/empty', signal))?.bytes.byteLength).toBe(0);
    const opened = await subject.store.open('catalog/empty', { signal });
    expect(opened && (await collectText(opened.body))).toBe('');
  });

  it('changes the etag with every replacement', async () => {
    const etags = new Set<string>();
    for (const text of ['one', 'two', 'six', 'seven']) etags.add((await put('k', text)).etag);
    expect(etags.size).toBe(4);
    expect(textOf((await subject.store.read('k', signal))?.bytes)).toBe('seven');
  });

  it('refuses to read more than it may, and not one byte less', async () => {
    await put('k', '12345');
    await expect(subject.store.read('k', signal, 4)).rejects.toMatchObject({ code: 'too_large' });
    expect(textOf((await subject.store.read('k', signal, 5))?.bytes)).toBe('12345');
  });

  it.each([
    ['the whole', undefined, '0123456789'],
    ['a range in the middle', { start: 2, end: 4 }, '234'],
    ['the first byte', { start: 0, end: 0 }, '0'],
    ['the last byte', { start: 9 }, '9'],
    ['an open range', { start: 7 }, '789'],
    ['a range that ends beyond the end', { start: 8, end: 100 }, '89'],
  ])('opens %s', async (_what, range, expected) => {
    const stat = await put('data/x', '0123456789');
    const opened = await subject.store.open('data/x', { signal, ...(range && { range }) });
    expect(opened?.stat).toMatchObject({ key: 'data/x', size: 10, etag: stat.etag });
    expect(opened && (await collectText(opened.body))).toBe(expected);
  });

  it.each([
    ['begins at the end', '0123456789', { start: 10 }],
    ['begins beyond the end', '0123456789', { start: 11, end: 20 }],
    ['is of an empty object', '', { start: 0 }],
  ])('refuses a range that %s', async (_what, text, range) => {
    await put('data/x', text);
    await expect(subject.store.open('data/x', { range, signal })).rejects.toMatchObject({ code: 'invalid_range' });
  });

  it('serves many readers of one object at once', async () => {
    const bytes = sampleBytes(300_000);
    await subject.store.put('data/x', bytes, { signal });
    const whole = Buffer.from(bytes).toString();
    const readers = Array.from({ length: 12 }, async () => {
      const opened = await subject.store.open('data/x', { signal });
      return opened && (await collectText(opened.body)) === whole;
    });
    expect(await Promise.all(readers)).toEqual(Array(12).fill(true));
  });

  it('reads one version, never two mixed, while the object is replaced', async () => {
    const letters = ['a', 'b', 'c', 'd', 'e', 'f'];
    await put('k', 'a'.repeat(5000));
    let done = false;
    const writing = (async () => {
      for (const letter of letters) await put('k', letter.repeat(5000));
      done = true;
    })();
    while (!done) {
      const text = textOf((await subject.another.read('k', signal))?.bytes) ?? '';
      expect(text).toBe((text[0] ?? 'missing').repeat(5000));
    }
    await writing;
  });

  it('deletes, and what was deleted is gone for everybody', async () => {
    await put('k', 'x');
    await subject.store.delete('k', signal);
    expect(await subject.another.stat('k', signal)).toBeUndefined();
    expect((await subject.another.list({ prefix: '', limit: 10 }, signal)).objects).toEqual([]);
    await subject.store.delete('k', signal);
  });

  it('deletes nothing beside, above or below a key', async () => {
    const kept = ['a', 'a/b.c', 'a/b/c', 'a/bc'];
    for (const key of [...kept, 'a/b']) await put(key, key);
    await subject.store.delete('a/b', signal);
    const page = await subject.another.list({ prefix: '', limit: 10 }, signal);
    expect(page.objects.map(({ key }) => key)).toEqual(kept);
  });

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a\0b',
    'a b',
    'a\nb',
    'a!',
    'a\x7f',
    'x'.repeat(256),
    'é'.repeat(128),
    `${'x/'.repeat(512)}x`,
    '\ud800',
  ])('refuses the key %j in every operation', async (key) => {
    const { store } = subject;
    const refused = { name: 'StorageError', code: 'invalid' };
    await expect(store.put(key, bytesOf('x'), { signal })).rejects.toMatchObject(refused);
    await expect(store.read(key, signal)).rejects.toMatchObject(refused);
    await expect(store.open(key, { signal })).rejects.toMatchObject(refused);
    await expect(store.stat(key, signal)).rejects.toMatchObject(refused);
    await expect(store.delete(key, signal)).rejects.toMatchObject(refused);
    await expect(store.multipart.begin(key, signal)).rejects.toMatchObject(refused);
  });

  it.each([
    'x'.repeat(255),
    `${'y'.repeat(255)}/${'z'.repeat(255)}`,
    'links/a/@sha256:abc',
    'tags/n/:v1.0_x-Y',
    '=odd,name',
    '...',
    "a+b%20&?#~,;=@:$'()*",
    'é/𝒳/日本',
  ])('keeps an object under the key %j', async (key) => {
    await put(key, 'x');
    expect(textOf((await subject.another.read(key, signal))?.bytes)).toBe('x');
    expect((await subject.another.list({ prefix: key, limit: 2 }, signal)).objects.map((found) => found.key)).toEqual([
      key,
    ]);
  });

  it('rejects with the reason of a signal that has aborted', async () => {
    const reason = new Error('gone');
    const aborted = AbortSignal.abort(reason);
    await expect(subject.store.put('k', bytesOf('x'), { signal: aborted })).rejects.toBe(reason);
    await expect(subject.store.read('k', aborted)).rejects.toBe(reason);
    await expect(subject.store.list({ prefix: '', limit: 1 }, aborted)).rejects.toBe(reason);
    expect(await subject.store.stat('k', signal)).toBeUndefined();
  });

  it('destroys the stream it opened when the signal aborts', async () => {
    await subject.store.put('data/x', sampleBytes(4 * 1024 * 1024), { signal });
    const client = new AbortController();
    const opened = await subject.store.open('data/x', { signal: client.signal });
    client.abort(new Error('gone'));
    await expect(opened && collectText(opened.body)).rejects.toThrow();
    expect(opened?.body.destroyed).toBe(true);
  });
}
